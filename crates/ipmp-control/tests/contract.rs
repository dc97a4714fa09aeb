//! The types are what the description of the interface says.

use ipmp_control::{
    Address, Addresses, BadReplies, Changed, Claim, ConfiguredAddress, DESCRIPTION, Edit, EditKind, Event, Events,
    Family, FamilyHealth, Field, Forecast, Group, GroupState, INTERFACE, LastReply, Leg, LinkState, Member,
    MemberState, Probe, ProbeKind, ProbeOutcome, ProbeState, Probes, Probing, Problem, Problems, Reason, Refusal,
    Route, Run, Severity, Snapshot, Target, TargetMode, TargetState, Waiting,
};
use zlink::idl::{self, Interface};
use zlink::introspect::{CustomType, ReplyError, Type};

/// A type without its comments.
fn shape(described: &idl::CustomType<'_>) -> String {
    let name = described.name();
    match described {
        idl::CustomType::Object(object) => {
            let field = |field: &idl::Field<'_>| format!("{}: {}", field.name(), field.ty());
            format!("{name}({})", object.fields().map(field).collect::<Vec<_>>().join(", "))
        }
        idl::CustomType::Enum(words) => {
            let word = |word: &idl::EnumVariant<'_>| word.name().to_string();
            format!("{name}({})", words.variants().map(word).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn types_follow_the_description() {
    let described = Interface::try_from(DESCRIPTION).unwrap();
    assert_eq!(described.name(), INTERFACE);

    let types = [
        Edit::CUSTOM_TYPE,
        EditKind::CUSTOM_TYPE,
        ConfiguredAddress::CUSTOM_TYPE,
        Route::CUSTOM_TYPE,
        Leg::CUSTOM_TYPE,
        Problem::CUSTOM_TYPE,
        Severity::CUSTOM_TYPE,
        Event::CUSTOM_TYPE,
        Field::CUSTOM_TYPE,
        Group::CUSTOM_TYPE,
        GroupState::CUSTOM_TYPE,
        Member::CUSTOM_TYPE,
        LinkState::CUSTOM_TYPE,
        ProbeState::CUSTOM_TYPE,
        MemberState::CUSTOM_TYPE,
        Reason::CUSTOM_TYPE,
        Waiting::CUSTOM_TYPE,
        Probing::CUSTOM_TYPE,
        Run::CUSTOM_TYPE,
        ProbeOutcome::CUSTOM_TYPE,
        LastReply::CUSTOM_TYPE,
        BadReplies::CUSTOM_TYPE,
        Family::CUSTOM_TYPE,
        TargetMode::CUSTOM_TYPE,
        ProbeKind::CUSTOM_TYPE,
        FamilyHealth::CUSTOM_TYPE,
        Target::CUSTOM_TYPE,
        TargetState::CUSTOM_TYPE,
        Address::CUSTOM_TYPE,
        Claim::CUSTOM_TYPE,
        Probe::CUSTOM_TYPE,
    ];
    let shapes: Vec<_> = described.custom_types().map(shape).collect();
    assert_eq!(shapes, types.map(shape));
    assert_eq!(described.errors().collect::<Vec<_>>(), Refusal::VARIANTS);

    let replies = [
        ("Status", Snapshot::TYPE),
        ("Probes", Probes::TYPE),
        ("Change", Changed::TYPE),
        ("Addresses", Addresses::TYPE),
        ("WhatIf", Forecast::TYPE),
        ("Check", Problems::TYPE),
        ("Events", Events::TYPE),
    ];
    for (name, reply) in replies {
        let method = described.methods().find(|method| method.name() == name).unwrap();
        let reply = reply.as_object().unwrap();
        assert_eq!(method.outputs().collect::<Vec<_>>(), reply.iter().collect::<Vec<_>>());
    }
}

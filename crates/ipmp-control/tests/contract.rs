//! The types are what the description of the interface says.

use ipmp_control::{
    Address, DESCRIPTION, Family, Group, GroupState, INTERFACE, LinkState, Member, MemberState, ProbeState, Probing,
    Reason, Refusal, Snapshot, Target, TargetMode,
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
        Group::CUSTOM_TYPE,
        GroupState::CUSTOM_TYPE,
        Member::CUSTOM_TYPE,
        LinkState::CUSTOM_TYPE,
        ProbeState::CUSTOM_TYPE,
        MemberState::CUSTOM_TYPE,
        Reason::CUSTOM_TYPE,
        Probing::CUSTOM_TYPE,
        Family::CUSTOM_TYPE,
        TargetMode::CUSTOM_TYPE,
        Target::CUSTOM_TYPE,
        Address::CUSTOM_TYPE,
    ];
    let shapes: Vec<_> = described.custom_types().map(shape).collect();
    assert_eq!(shapes, types.map(shape));
    assert_eq!(described.errors().collect::<Vec<_>>(), Refusal::VARIANTS);

    let status = described.methods().find(|method| method.name() == "Status").unwrap();
    let snapshot = Snapshot::TYPE.as_object().unwrap();
    assert_eq!(status.outputs().collect::<Vec<_>>(), snapshot.iter().collect::<Vec<_>>());
}

# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ipmpadm_global_optspecs
    string join \n runtime-dir= h/help V/version
end

function __fish_ipmpadm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ipmpadm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ipmpadm_using_subcommand
    set -l cmd (__fish_ipmpadm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -s V -l version -d 'Print version'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "create-ipmp" -d 'Make a group'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "delete-ipmp" -d 'Delete a group'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "add-ipmp" -d 'Add members to a group'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "remove-ipmp" -d 'Remove members from a group'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "create-addr" -d 'Add a data address to an IPMP interface, or a test address to a member'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "delete-addr" -d 'Delete a data or test address'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "set" -d 'Set a property of a member or group'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "offline" -d 'Take a member out of service'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "online" -d 'Take a member back into service'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "ifconfig" -d 'Take the Solaris command'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "import" -d 'Print the configuration that files of Solaris make'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "check" -d 'Say what is wrong with this host, or with a configuration; ends with 1 if anything is'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "what-if" -d 'Tell where every address and route would go if members failed'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "monitor" -d 'Print every event as it happens'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "confirm" -d 'Keep a change that waits to be confirmed'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "revert" -d 'Undo a change that waits to be confirmed, at once'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "explain" -d 'Tell why a member is what it is, and what it waits for'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "reload" -d 'Have the daemon read its configuration again'
complete -c ipmpadm -n "__fish_ipmpadm_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -s i -d 'Members' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -l group -d 'The group\'s name [default: that of the IPMP interface]' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-ipmp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -l to -d 'The member that the addresses and routes go to' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-ipmp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -s i -d 'Members' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand add-ipmp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -s i -d 'Members' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand remove-ipmp" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -s a -d 'The address with its prefix length' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -l down -d 'Known, but not used yet'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand create-addr" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-addr" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-addr" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-addr" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-addr" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand delete-addr" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -s p -d 'The property; without a value, the default' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -l confirm -d 'Undo everything unless `ipmpadm confirm` follows within so many seconds' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -s t -d 'Temporary: until the next reload; the configuration file stays as it is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -l dry-run -d 'Only print every change that would be made to the kernel'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand offline" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand offline" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand online" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand online" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand ifconfig" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand ifconfig" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand import" -l root -d 'Where they are' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand import" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand check" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand check" -l json -d 'As JSON'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand check" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand what-if" -l fail -d 'The members that fail' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand what-if" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand what-if" -l json -d 'As JSON'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand what-if" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand monitor" -l after -d 'Begin after the event of this number, as far as they are kept' -r
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand monitor" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand monitor" -l json -d 'A JSON object a line'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand monitor" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand confirm" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand confirm" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand revert" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand revert" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand explain" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand explain" -l json -d 'As JSON'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand explain" -s h -l help -d 'Print help'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand reload" -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "create-ipmp" -d 'Make a group'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "delete-ipmp" -d 'Delete a group'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "add-ipmp" -d 'Add members to a group'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "remove-ipmp" -d 'Remove members from a group'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "create-addr" -d 'Add a data address to an IPMP interface, or a test address to a member'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "delete-addr" -d 'Delete a data or test address'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "set" -d 'Set a property of a member or group'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "offline" -d 'Take a member out of service'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "online" -d 'Take a member back into service'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "ifconfig" -d 'Take the Solaris command'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "import" -d 'Print the configuration that files of Solaris make'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "check" -d 'Say what is wrong with this host, or with a configuration; ends with 1 if anything is'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "what-if" -d 'Tell where every address and route would go if members failed'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "monitor" -d 'Print every event as it happens'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "confirm" -d 'Keep a change that waits to be confirmed'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "revert" -d 'Undo a change that waits to be confirmed, at once'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "explain" -d 'Tell why a member is what it is, and what it waits for'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "reload" -d 'Have the daemon read its configuration again'
complete -c ipmpadm -n "__fish_ipmpadm_using_subcommand help; and not __fish_seen_subcommand_from create-ipmp delete-ipmp add-ipmp remove-ipmp create-addr delete-addr set offline online ifconfig import check what-if monitor confirm revert explain reload help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

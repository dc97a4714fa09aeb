# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ipmpd_global_optspecs
    string join \n config= check runtime-dir= log-format= log-level= h/help V/version
end

function __fish_ipmpd_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ipmpd_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ipmpd_using_subcommand
    set -l cmd (__fish_ipmpd_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ipmpd -n "__fish_ipmpd_needs_command" -l config -d 'The configuration; conf.d/*.toml beside it is read too' -r -F
complete -c ipmpd -n "__fish_ipmpd_needs_command" -l runtime-dir -d 'Where the control socket is, and what outlives a restart' -r -F
complete -c ipmpd -n "__fish_ipmpd_needs_command" -l log-format -d 'How to log; auto is the journal where stderr is the journal, else text' -r -f -a "auto\t''
text\t''
json\t''
journald\t''"
complete -c ipmpd -n "__fish_ipmpd_needs_command" -l log-level -d 'The least grave level to log: critical, error, warning, notice, info, debug' -r
complete -c ipmpd -n "__fish_ipmpd_needs_command" -l check -d 'Only check the configuration: exit 0 if it can be used, 1 if not; touches nothing'
complete -c ipmpd -n "__fish_ipmpd_needs_command" -s h -l help -d 'Print help'
complete -c ipmpd -n "__fish_ipmpd_needs_command" -s V -l version -d 'Print version'
complete -c ipmpd -n "__fish_ipmpd_needs_command" -f -a "demo" -d 'Show in a private network how traffic survives; touches nothing else, leaves nothing behind'
complete -c ipmpd -n "__fish_ipmpd_using_subcommand demo" -s h -l help -d 'Print help'

complete -c ipmpstat -s o -d 'Show these fields, or `all`; else those that fit the screen' -r
complete -c ipmpstat -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c ipmpstat -s a -d 'Data addresses, the members they are bound to and leave by'
complete -c ipmpstat -s g -d 'Groups'
complete -c ipmpstat -s i -d 'Interfaces, the members of groups'
complete -c ipmpstat -s p -d 'Probes as they are answered or lost, until interrupted'
complete -c ipmpstat -s t -d 'Probe targets, and what is sent to them'
complete -c ipmpstat -s n -d 'Show addresses as numbers, not as host names'
complete -c ipmpstat -s P -d 'Parsable: no heading, `:` between fields, `\\` before any in a value'
complete -c ipmpstat -l json -d 'All fields as JSON, addresses as numbers; of probes an object a line'
complete -c ipmpstat -l watch -d 'A live view of everything on the full screen'
complete -c ipmpstat -s h -l help -d 'Print help'
complete -c ipmpstat -s V -l version -d 'Print version'

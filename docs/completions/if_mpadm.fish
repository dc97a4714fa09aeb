complete -c if_mpadm -s d -d 'Detach: take the member offline; its data addresses move to other members of the group' -r
complete -c if_mpadm -s r -d 'Reattach: take it back online' -r
complete -c if_mpadm -l runtime-dir -d 'The daemon\'s runtime directory' -r -F
complete -c if_mpadm -s h -l help -d 'Print help'
complete -c if_mpadm -s V -l version -d 'Print version'

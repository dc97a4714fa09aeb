# Boots a Debian tree with systemd as its first process, in this network namespace.
#   boot.sh CGROUP TREE OPTION...
# The container manager and everything in the machine are in a PID namespace whose first process dies with this one:
# whoever kills this process kills them all. What the manager mounts and notes is in a mount namespace of its own and
# goes as well. The machine sees version 2 of control groups only, whatever the host mounts.
echo $$ >"$1/cgroup.procs"
shift
exec unshare --pid --fork --kill-child --mount-proc --cgroup sh -ec '
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /run/systemd
    mount -t tmpfs tmpfs /run/systemd
    tree=$1
    shift
    exec systemd-nspawn --quiet --directory="$tree" --volatile=overlay --machine=ipmp-service \
        --register=no --keep-unit --capability=all --link-journal=no --resolv-conf=off --timezone=off \
        --console=pipe "$@" --boot systemd.firstboot=off
' sh "$@"

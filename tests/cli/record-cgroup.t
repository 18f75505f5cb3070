# A cgroup that is not there: found out by whoever may record.
#! requires bpf
$ kymo-record --cgroup /sys/fs/cgroup/no/such/group -d 1s -o out.kymo
2> kymo-record: cgroup '/sys/fs/cgroup/no/such/group': No such file or directory
? 2

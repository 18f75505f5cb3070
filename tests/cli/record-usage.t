# Mistakes on the command line are status 2, name the word, and leave nothing behind.
$ kymo-record --nonsense
$ kymo-record --feq 99
$ kymo-record -Z
$ kymo-record -F
$ kymo-record --quiet=yes
$ kymo-record sleep 1
$ kymo-record --
$ kymo-record -e disk -d 1s -o out.kymo
$ kymo-record -e cpu,cpu,syscalls -F 0 -o out.kymo
$ kymo-record -F 1001 -o out.kymo
$ kymo-record -F ten -o out.kymo
$ kymo-record -d 5parsecs -o out.kymo
$ kymo-record -d -1s -o out.kymo
$ kymo-record --max-size 10Q -o out.kymo
$ kymo-record --max-samples none -o out.kymo
$ kymo-record --buffer 12345 -o out.kymo
$ kymo-record --preset lunch -o out.kymo
$ kymo-record --source tape -o out.kymo
$ kymo-record --source synthetic:mix=fruit -o out.kymo
$ kymo-record --source synthetic:pears=2 -o out.kymo
$ kymo-record -p 0 -o out.kymo
$ kymo-record -p abc -o out.kymo
$ kymo-record --cgroup /sys/fs/cgroup/no/such/group -d 1s -o out.kymo
$ ls

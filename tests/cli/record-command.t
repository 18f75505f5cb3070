# The command after --: not there, not executable. Nothing is written then.
#! requires bpf
$ kymo-record -q -o out.kymo -- no-such-command --here
$ kymo-record -q -o out.kymo -- ./no-such-file
$ echo text >plain; kymo-record -q -o out.kymo -- ./plain
$ ls

# The command after --: not there, not executable. Nothing is written then.
#! requires bpf
$ kymo-record -q -o out.kymo -- no-such-command --here
2> kymo-record: command not found: 'no-such-command'
? 1
$ kymo-record -q -o out.kymo -- ./no-such-file
2> kymo-record: command not found: './no-such-file'
? 1
$ echo text >plain; kymo-record -q -o out.kymo -- ./plain
2> kymo-record: cannot run './plain': Permission denied
? 1
$ ls
> plain

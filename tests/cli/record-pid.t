# A process that is gone.
#! requires bpf
$ kymo-record -q -d 1s -o out.kymo -p 4194304
2> kymo-record: process 4194304 does not exist
? 1
$ ls

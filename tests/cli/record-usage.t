# Mistakes on the command line are status 2, name the word, and leave nothing behind.
$ kymo-record --nonsense
2> kymo-record: unknown option --nonsense; --help lists them
? 2
$ kymo-record --feq 99
2> kymo-record: unknown option --feq; did you mean --freq?
? 2
$ kymo-record -Z
2> kymo-record: unknown option -Z; --help lists them
? 2
$ kymo-record -F
2> kymo-record: -F needs a value: HZ
? 2
$ kymo-record --quiet=yes
2> kymo-record: --quiet takes no value
? 2
$ kymo-record sleep 1
2> kymo-record: unexpected 'sleep': a command to record is given after --, as in: -- sleep
? 2
$ kymo-record --
2> kymo-record: no command after --
? 2
$ kymo-record -e disk -d 1s -o out.kymo
2> kymo-record: --events: unknown event class 'disk' (known: cpu, syscalls, sched, net, mem, block, files)
? 2
$ kymo-record -e cpu,cpu,syscalls -F 0 -o out.kymo
2> kymo-record: --freq: '0' is not a whole number from 1 to 1000 (Hz)
? 2
$ kymo-record -F 1001 -o out.kymo
2> kymo-record: --freq: '1001' is not a whole number from 1 to 1000 (Hz)
? 2
$ kymo-record -F ten -o out.kymo
2> kymo-record: --freq: 'ten' is not a whole number from 1 to 1000 (Hz)
? 2
$ kymo-record -d 5parsecs -o out.kymo
2> kymo-record: --duration: '5parsecs' is not a duration: write 30s, 5m, 1m30s or 250ms
? 2
$ kymo-record -d -1s -o out.kymo
2> kymo-record: --duration: '-1s' is not a duration: write 30s, 5m, 1m30s or 250ms
? 2
$ kymo-record --max-size 10Q -o out.kymo
2> kymo-record: --max-size: '10Q' is not a size: write 64K, 10M or 1GiB
? 2
$ kymo-record --max-samples none -o out.kymo
2> kymo-record: --max-samples: 'none' is not a count: write 5000, 10K or 1M
? 2
$ kymo-record --buffer 12345 -o out.kymo
2> kymo-record: --buffer: '12345' is not a power of two: write 8K or 16K
? 2
$ kymo-record --preset lunch -o out.kymo
2> kymo-record: --preset: unknown preset 'lunch' (known: prod, staging, dev, debug)
? 2
$ kymo-record --source tape -o out.kymo
2> kymo-record: source: open 'tape': No such file or directory
? 1
$ kymo-record --source synthetic:mix=fruit -o out.kymo
2> kymo-record: --source: unknown mix 'fruit' (known: syscalls, all)
? 2
$ kymo-record --source synthetic:pears=2 -o out.kymo
2> kymo-record: --source: synthetic has no setting 'pears' (known: events, rate, mix, seed, counted)
? 2
$ kymo-record -p 0 -o out.kymo
2> kymo-record: --pid: '0' is not a process id
? 2
$ kymo-record -p abc -o out.kymo
2> kymo-record: --pid: 'abc' is not a process id; to select by name use comm
? 2
$ ls
# What was probably meant.
$ kymo-record doctr; echo "status $?"; kymo-record help doctr; echo "status $?"; kymo-record help nope; echo "status $?"
> status 2
> status 2
> status 2
2> kymo-record: unexpected 'doctr': did you mean kymo-record doctor? A command to record is given after --, as in: -- doctr
2> kymo-record: no subcommand 'doctr'; did you mean doctor?
2> kymo-record: no subcommand 'nope'; `kymo-record help` lists them
$ kymo-record doctor --jsn; echo "status $?"; kymo-record doctor --btf; echo "status $?"; kymo-record doctor --json=x; kymo-record doctor -x; kymo-record doctor now 2>&1 | head -1; kymo-record list now 2>&1 | head -1
> status 2
> status 2
> usage: kymo-record doctor [OPTION]...
> usage: kymo-record list
2> kymo-record: doctor: unknown option --jsn; did you mean --json?
2> kymo-record: --btf needs a value: FILE
2> kymo-record: --json takes no value
2> kymo-record: doctor: unknown option -x; --help lists them
$ kymo-record --frequncy 10; kymo-record --cpubuget 1%; kymo-record --qqqq; echo "status $?"
> status 2
2> kymo-record: unknown option --frequncy; did you mean --freq?
2> kymo-record: unknown option --cpubuget; did you mean --cpu-budget?
2> kymo-record: unknown option --qqqq; --help lists them

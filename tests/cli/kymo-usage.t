# Mistakes on the command line: status 2, the word that is wrong, what to do.
$ kymo
2> usage: kymo COMMAND [OPTIONS] [ARGUMENTS]
2>        kymo CAPTURE_OR_DB
2>
2> Reads the captures of kymo-record.
2>
2>   summary    show the first answer, on one screen; also: kymo CAPTURE_OR_DB
2>   info       show what a capture contains, where it is from, and what it lost
2>   syscalls   show system calls: counts, errors, latencies
2>   offcpu     show where threads waited: for what, how long, and for a CPU
2>   net        show TCP connections: who talked to whom, errors, latencies, drops
2>   block      show disk I/O: latencies, sizes, who issued it
2>   mem        show memory: page faults, sizes of processes, stalls, OOM kills
2>   files      show files: opened, read, written, synced, by whom; failed opens
2>   flame      draw CPU samples or waits as a flame graph (SVG)
2>   folded     write CPU samples as folded stacks, for other tools
2>   overhead   show what the recording cost, and what it left out
2>   export     write a file for other tools: pprof, speedscope, Firefox, Perfetto
2>   import     load captures into an SQLite database
2>   sql        run an SQL query; without QUERY, read it from standard input
2>   schema     list tables, views and columns, for sql and export
2>   replay     print events in the order of time, as strace does, at their pace
2>   dump       write every row as one line of JSON
2>   verify     check captures for damage, and show what is missing and where
2>   recover    copy what can be read of a damaged capture into an intact one
2>   symbolize  copy a capture and add names, source lines, inlined functions
2>   redact     write a capture without what is private, for bug reports
2>   cut        write a part of a capture, by time or process, as a capture of its own
2>   bundle     pack a capture and a report into one zip file, for bug reports
2>
2> `kymo help COMMAND` and `kymo COMMAND --help` show the options of a command.
2> CAPTURE is a .kymo file, or - for standard input; CAPTURE_OR_DB can also be a
2> database made by `kymo import`.
2>
2> Exit status: 0 done; 1 failed; 2 wrong usage, or input refused; 3 done, but data
2> was lost, damaged or unknown.
? 2
$ kymo infro x.kymo
2> kymo: no command 'infro'; did you mean info?
? 2
$ kymo info
2> kymo: info: usage: kymo info [OPTIONS] CAPTURE_OR_DB
? 2
$ kymo info --nonsense x.kymo
2> kymo: info: unknown option --nonsense; --help lists them
? 2
$ kymo syscalls --pid abc $SAMPLES/all.kymo
2> kymo: syscalls: --pid: 'abc' is not a process id; --comm takes names
? 2
$ kymo syscalls --from nonsense $SAMPLES/all.kymo
2> kymo: syscalls: --from: 'nonsense' is not a time: give seconds from the capture's start (2.5), or ns of its clock (123ns)
? 2
$ kymo folded
2> kymo: folded: usage: kymo folded [OPTIONS] CAPTURE_OR_DB
? 2
$ kymo import $SAMPLES/all.kymo
2> kymo: import: no output: name the database to create with -o DB
? 2
# What was probably meant.
$ for c in sycalls flamegraph ifno report version1; do kymo $c; echo "status $?"; done
> status 2
> status 2
> status 2
> status 2
> status 2
2> kymo: no command 'sycalls'; did you mean syscalls?
2> kymo: no command 'flamegraph'; did you mean flame?
2> kymo: no command 'ifno'; did you mean info?
2> kymo: no command 'report'; `kymo help` lists them
2> kymo: no command 'version1'; `kymo help` lists them
$ kymo help nope; echo "status $?"; touch x.txt; kymo x.txt; echo "status $?"
> status 2
> status 2
2> kymo: no command 'nope'; `kymo help` lists them
2> kymo: 'x.txt' is neither a command, nor a capture or database
$ for o in --titel --colour=hot --json=x --width -o; do kymo flame $SAMPLES/all.kymo $o; echo "status $?"; done
> status 2
> status 2
> status 2
> status 2
> status 2
2> kymo: flame: unknown option --titel; did you mean --title?
2> kymo: flame: unknown option --colour; did you mean --colors?
2> kymo: flame: --json takes no value
2> kymo: flame: --width needs a value: PX
2> kymo: flame: -o needs a value: FILE
$ kymo syscalls --by-pid $SAMPLES/all.kymo; kymo syscalls --s=x $SAMPLES/all.kymo; kymo syscalls -Z $SAMPLES/all.kymo; kymo syscalls --frobnicate $SAMPLES/all.kymo; echo "status $?"
> status 2
2> kymo: syscalls: unknown option --by-pid; did you mean --by-process?
2> kymo: syscalls: --s could be --sort or --stop: write it in full
2> kymo: syscalls: no option '-Z'; --help lists them
2> kymo: syscalls: unknown option --frobnicate; --help lists them

# Mistakes on the command line: status 2, the word that is wrong, what to do.
$ kymo
2> usage: kymo COMMAND [OPTIONS] [ARGUMENTS]
2>
2> Reads the captures of kymo-record. `kymo COMMAND --help` tells the options of a command.
2>
2>   info       what a capture holds, where it is from, and what it lost
2>   verify     whether captures are whole; what is damaged or missing, where and when
2>   recover    a sound capture of all that can be read of a damaged one
2>   dump       every row as one line of JSON
2>   import     captures into an SQLite database
2>   sql        ask in SQL; the query comes from stdin if it is not given
2>   folded     CPU samples as folded stacks
2>   flame      CPU samples as a flame graph (SVG)
2>   syscalls   system calls: counts, errors, latencies
2>   overhead   what recording cost
2>
2> CAPTURE is a .kymo file or - for standard input; CAPTURE_OR_DB may also be a database made by `kymo import`.
2> Exit status: 0 done, 1 failed, 2 wrong usage or input refused, 3 done but data was damaged or unknown.
? 2
$ kymo infro x.kymo
2> kymo: no command 'infro'; `kymo --help` lists them
? 2
$ kymo info
2> kymo: info: usage: kymo info [OPTIONS] CAPTURE_OR_DB
? 2
$ kymo info --nonsense x.kymo
2> kymo: info: no option '--nonsense', or not like this; --help lists them
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
2> kymo: import: where to? give the database to make with -o DB
? 2

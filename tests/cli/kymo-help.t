# Help and version on stdout, status 0.
$ kymo --help
> usage: kymo COMMAND [OPTIONS] [ARGUMENTS]
>
> Reads the captures of kymo-record. `kymo COMMAND --help` tells the options of a command.
>
>   info       what a capture holds, where it is from, and what it lost
>   verify     whether captures are whole; what is damaged or missing, where and when
>   recover    a sound capture of all that can be read of a damaged one
>   dump       every row as one line of JSON
>   import     captures into an SQLite database
>   sql        ask in SQL; the query comes from stdin if it is not given
>   folded     CPU samples as folded stacks
>   flame      CPU samples as a flame graph (SVG)
>   syscalls   system calls: counts, errors, latencies
>   overhead   what recording cost
>
> CAPTURE is a .kymo file or - for standard input; CAPTURE_OR_DB may also be a database made by `kymo import`.
> Exit status: 0 done, 1 failed, 2 wrong usage or input refused, 3 done but data was damaged or unknown.
$ kymo --version
> kymo 0.1.0
$ for c in info verify dump import sql folded flame syscalls overhead; do kymo $c --help | head -1; done
> usage: kymo info [OPTIONS] CAPTURE_OR_DB
> usage: kymo verify [OPTIONS] CAPTURE...
> usage: kymo dump [OPTIONS] CAPTURE
> usage: kymo import [OPTIONS] CAPTURE... -o DB
> usage: kymo sql [OPTIONS] CAPTURE_OR_DB [QUERY]
> usage: kymo folded [OPTIONS] CAPTURE_OR_DB
> usage: kymo flame [OPTIONS] CAPTURE_OR_DB
> usage: kymo syscalls [OPTIONS] CAPTURE_OR_DB
> usage: kymo overhead [OPTIONS] CAPTURE_OR_DB
$ kymo help | head -1
> usage: kymo COMMAND [OPTIONS] [ARGUMENTS]

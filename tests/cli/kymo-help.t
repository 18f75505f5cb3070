# Help and version on stdout, status 0.
$ kymo --help
> usage: kymo COMMAND [OPTIONS] [ARGUMENTS]
>        kymo CAPTURE_OR_DB
>
> Reads the captures of kymo-record.
>
>   summary    show the first answer, on one screen; also: kymo CAPTURE_OR_DB
>   info       show what a capture contains, where it is from, and what it lost
>   syscalls   show system calls: counts, errors, latencies
>   offcpu     show where threads waited: for what, how long, and for a CPU
>   net        show TCP connections: who talked to whom, errors, latencies, drops
>   block      show disk I/O: latencies, sizes, who issued it
>   mem        show memory: page faults, sizes of processes, stalls, OOM kills
>   files      show files: opened, read, written, synced, by whom; failed opens
>   flame      draw CPU samples or waits as a flame graph (SVG)
>   folded     write CPU samples as folded stacks, for other tools
>   overhead   show what the recording cost, and what it left out
>   export     write a file for other tools: pprof, speedscope, Firefox, Perfetto
>   import     load captures into an SQLite database
>   sql        run an SQL query; without QUERY, read it from standard input
>   schema     list tables, views and columns, for sql and export
>   replay     print events in the order of time, as strace does, at their pace
>   dump       write every row as one line of JSON
>   verify     check captures for damage, and show what is missing and where
>   recover    copy what can be read of a damaged capture into an intact one
>   symbolize  copy a capture and add names, source lines, inlined functions
>   redact     write a capture without what is private, for bug reports
>   cut        write a part of a capture, by time or process, as a capture of its own
>   bundle     pack a capture and a report into one zip file, for bug reports
>
> `kymo help COMMAND` and `kymo COMMAND --help` show the options of a command.
> CAPTURE is a .kymo file, or - for standard input; CAPTURE_OR_DB can also be a
> database made by `kymo import`.
>
> Exit status: 0 done; 1 failed; 2 wrong usage, or input refused; 3 done, but data
> was lost, damaged or unknown.
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
# help COMMAND is COMMAND --help, and fits 80 columns.
$ for c in $(kymo --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do kymo help $c | diff - <(kymo $c -h) && echo $c; done
> summary
> info
> syscalls
> offcpu
> net
> block
> mem
> files
> flame
> folded
> overhead
> export
> import
> sql
> schema
> replay
> dump
> verify
> recover
> symbolize
> redact
> cut
> bundle
$ for c in '' $(kymo --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do kymo help $c; done | awk 'length > 80'
>   cut        write a part of a capture, by time or process, as a capture of its own
$ kymo help flame
> usage: kymo flame [OPTIONS] CAPTURE_OR_DB
>
> draw CPU samples or waits as a flame graph (SVG)
>
>   -o, --output FILE       write to FILE instead of standard output
>   -f, --force             replace FILE if it exists
>       --offcpu            draw waits by their time instead of CPU samples
>       --faults            draw page faults instead of CPU samples
>       --reason NAME       draw only waits for this reason; one of sleep, disk,
>                           iowait, preempted, stopped, idle, other
>       --kind KIND[,KIND]  draw only waits of these kinds: lock, io, peer, sched,
>                           stopped, timer, child, idle, other
>       --waker             draw waits, with who ended them on top of their stacks
>       --title TEXT        title of the picture (default: CPU flame graph,
>                           Off-CPU flame graph, or Page faults)
>       --width PX          width of the picture (default: 1200)
>       --minwidth PX       leave out frames narrower than this (default: 0.1)
>       --colors NAME       color scheme (default: hot; with --offcpu io, with
>                           --faults mem); one of hot, mem, io, red, orange,
>                           yellow, green, aqua, blue, purple, grey
>       --countname TEXT    words to show after each number (default: samples; for
>                           times: of CPU time, off the CPU)
>       --inverted          draw roots at the top (icicle graph)
>       --reverse           merge stacks from their innermost function
>       --show-pid          name processes as name-PID
>       --json              write JSON
>       --from TIME         only from TIME on: seconds since the start (5.2), or
>                           ns of the recorded clock (123ns)
>       --to TIME           only before TIME
>   -p, --pid PID           only this process
>       --comm NAME         only threads of this name
>       --capture ID        only this capture of a database that holds several
>       --no-symbols        do not look up names of user functions on this machine
>       --symfs DIR         look for the recorded programs below DIR
>       --debug-dir DIR     look for debug files in DIR, too; can be repeated
>       --inline            also show functions that were inlined, from debugging
>                           information
>       --lines             show file and line of each frame, from debugging
>                           information
>       --strict            refuse a damaged capture: status 2, and nothing is
>                           written
>       --stop              use a damaged capture only up to the first damage
>   -q, --quiet             no progress on standard error
>   -h, --help              show this

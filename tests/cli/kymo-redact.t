# What leaves the house: a copy without what is private, a manifest that says what was done, one clear message when it cannot be.
#! mask sizes
$ kymo redact $SAMPLES/waits.kymo -o share.kymo | grep -v written; stat -c %a share.kymo; kymo verify share.kymo | grep result
> level:                 share
> events:                85
> rows:                  265
>
> classes
> class     action   replaced  dropped  kept  covers
> host      replace         2        0     0  the name of the host
> id        replace         3        0     0  ids of the session, the file and the boot
> meta      replace         2        0     0  command line, configuration, other facts that are not public
> name      replace         0        0    13  names of processes and threads; well-known programs stay
> path      replace         0        0     8  paths, and users in them; system directories stay
> cgroup    replace         0        0     1  names of cgroups, containers, pods
> network   replace         0        0     0  IP addresses (subnets stay together), names of peers
> number    replace        13        0     0  numbers of files, devices, cgroups
> module    replace         0        0    29  names of kernel modules; well-known ones stay
> function  keep            0        0    28  names of functions; paths in them are replaced anyway
> build-id  keep            0        0    35  build-ids of programs
> text      replace         0        0   112  words in notes that are none of Kymo's own
> address   replace         7        0     0  virtual addresses: code is laid out anew
> argument  drop            0        0     0  arguments and return values of system calls
> stack     drop            0        0     0  copies of stacks: unwound first, frames stay
> payload   drop            0        0     0  contents
> 600
> result:                good
$ kymo redact $SAMPLES/live.kymo -o strict.kymo --level strict --json | jq -c '[.level, .events, .blocks_damaged], (.classes[] | select(.replaced + .dropped + .kept > 0) | [.class, .action, .replaced, .dropped, .kept]), .left_out'
> ["strict",22546,0]
> ["host","replace",2,0,0]
> ["id","replace",3,0,0]
> ["meta","replace",2,0,0]
> ["name","replace",11,0,22]
> ["path","replace",4,0,55]
> ["cgroup","replace",0,0,1]
> ["number","replace",17,0,0]
> ["module","replace",0,0,53]
> ["function","replace",2,0,48]
> ["build-id","replace",2,0,86]
> ["text","replace",0,0,105]
> ["address","replace",49,0,0]
> ["argument","drop",0,18045,0]
> []
$ kymo redact -f $SAMPLES/live.kymo -o strict.kymo --list | sed -n '/^texts/,$p' | grep -E 'host|/opt|value|secret|workload|proc-'
> host-1
> value-1
> value-2
> host.kernel
> host.kernel_build
> host.arch
> host.name
> host.virtual
> host.memory_bytes
> host.time_zone
> host.clocksource
> host.numa_nodes
> /opt/dir-1/dir-2/file-1
> proc-1
> proc-2
> /opt/dir-1/dir-2/file-2
$ kymo folded --no-symbols strict.kymo 2>/dev/null | cut -d';' -f1 | sort | uniq -c | sort -rn | head -3; kymo folded --no-symbols $SAMPLES/live.kymo 2>/dev/null | cut -d';' -f1 | sort | uniq -c | sort -rn | head -3
>      14 proc-1
>      13 sqlite3
>       2 sh
>      14 workload
>      13 sqlite3
>       2 sh
# what stays, and what goes on top of a level
$ kymo redact -q $SAMPLES/loss.kymo -o kept.kymo --keep argument,address,host; kymo dump -t syscall kept.kymo | head -1 | jq -c '[.arg0 != null, .flags]'; kymo info --json kept.kymo | jq -r .host
> [true,8]
> sample-host
$ kymo redact $SAMPLES/loss.kymo -o x.kymo --keep nonsense
2> kymo: redact: --keep: unknown class 'nonsense'; the classes are host, id, meta, name, path, cgroup, network, number, module, function, build-id, text, address, argument, stack, payload
? 2
# OUT exists, IN is OUT, no OUT, both on standard output
$ kymo redact $SAMPLES/waits.kymo -o share.kymo
2> kymo: redact: redact into 'share.kymo': 'share.kymo' exists: give another name with -o, or -f to replace it
? 1
$ cp $SAMPLES/waits.kymo same.kymo; kymo redact -f same.kymo -o same.kymo; cmp same.kymo $SAMPLES/waits.kymo && echo untouched
> untouched
2> kymo: redact: redact into 'same.kymo': 'same.kymo' is both a capture to read and the output
$ kymo redact $SAMPLES/waits.kymo
2> kymo: redact: no output: name the capture to write with -o OUT
? 2
$ kymo redact --json $SAMPLES/waits.kymo -o -
> {
>   "error": {
>     "command": "redact",
>     "code": "usage",
>     "message": "the capture and the manifest cannot both go to standard output: name a file with -o OUT",
>     "status": 2
>   }
> }
2> kymo: redact: the capture and the manifest cannot both go to standard output: name a file with -o OUT
? 2
$ kymo redact $SAMPLES/waits.kymo -o - | kymo verify - | grep result
> result:                good
$ kymo redact nothing.kymo -o x.kymo; ls x.kymo* 2>&1
> ls: cannot access 'x.kymo*': No such file or directory
2> kymo: redact: redact into 'x.kymo': open 'nothing.kymo': No such file or directory
? 2
$ echo "no capture" > text; kymo redact text -o x.kymo; ls x.kymo* 2>&1
> ls: cannot access 'x.kymo*': No such file or directory
2> kymo: redact: redact into 'x.kymo': 'text' is not a kymo capture: no intact block in N bytes
? 2
# disk full: nothing under the final name, nothing half-written beside it
$ (ulimit -f 8; trap '' XFSZ; kymo redact $SAMPLES/loss.kymo -o full.kymo); echo "status $?"; ls full.kymo* 2>&1
> status 1
> ls: cannot access 'full.kymo*': No such file or directory
2> kymo: redact: redact into 'full.kymo': write at byte N: File too large
? 2
# damage stays damage, block by block; a capture that was cut stays cut
$ cp $SAMPLES/live.kymo bit.kymo; printf '\377' | dd of=bit.kymo bs=1 seek=40000 conv=notrunc status=none; kymo redact -q bit.kymo -o bit-share.kymo; echo "status $?"; for f in bit bit-share; do kymo info --json $f.kymo 2>/dev/null | jq -c '[.events_stored, .events_damaged, .complete]'; done
> status 3
> [0,22546,false]
> [0,22546,false]
2> kymo: redact: 'bit.kymo' is damaged: 1 block is missing from the output, too
$ head -c 60000 $SAMPLES/live.kymo > cut.kymo; kymo redact -q cut.kymo -o cut-share.kymo; echo "status $?"; for f in cut cut-share; do kymo info --json $f.kymo 2>/dev/null | jq -c '[.events_stored, .events_damaged, .complete, .end_reason]'; done
> status 3
> [0,0,false,"cut"]
> [0,0,false,"cut"]
2> kymo: redact: 'cut.kymo' is damaged: 1 block is missing from the output, too
2> kymo: redact: 'cut.kymo' was cut, and so is the output: what came after is unknown

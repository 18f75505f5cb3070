# flame opens its output as import and recover do: never over a capture, never half a picture, never onto a terminal.
$ kymo-record --source synthetic:events=2000,mix=all,seed=3 -q -o a.kymo; cp a.kymo kept
$ kymo flame -f a.kymo -o a.kymo; echo "status $?"; cmp a.kymo kept
> status 2
2> kymo: flame: 'a.kymo' is both a capture to read and the output
$ ln a.kymo same; kymo flame -f a.kymo -o same; echo "status $?"; kymo flame a.kymo >>same; echo "status $?"; cmp a.kymo kept; rm same
> status 2
> status 2
2> kymo: flame: 'same' is both a capture to read and the output
2> kymo: flame: '-' is both a capture to read and the output
$ kymo flame a.kymo -o a.svg; echo "status $?"; ls -l a.svg | cut -c1-10
> status 0
> -rw-------
$ echo precious >taken; kymo flame a.kymo -o taken; echo "status $?"; cat taken
> status 1
> precious
2> kymo: flame: 'taken' exists: give another name with -o, or -f to replace it
$ kymo flame -f a.kymo -o taken; echo "status $?"; cmp a.svg taken
> status 0
$ ln -s elsewhere link; kymo flame a.kymo -o link; echo "status $?"; ls elsewhere
> status 1
2> kymo: flame: 'link' is not a regular file: give another name with -o
2> ls: cannot access 'elsewhere': No such file or directory
? 2
$ kymo flame missing.kymo -o new.svg; echo "status $?"; ls new.svg*
> status 1
2> kymo: flame: open 'missing.kymo': No such file or directory
2> ls: cannot access 'new.svg*': No such file or directory
? 2
$ for to in - /dev/stdout; do kymo flame a.kymo -o $to | cmp - a.svg; done; kymo flame a.kymo -o >(cmp - a.svg); kymo flame a.kymo -o /dev/null; echo "status $?"
> status 0
$ kymo flame a.kymo -o /dev/full; echo "status $?"
> status 1
2> kymo: flame: write the flame graph: No space left on device
$ kymo flame --json a.kymo -o a.json; jq .samples a.json
> 125
# Terminals get no pictures and no captures.
$ script -qec 'kymo flame a.kymo' /dev/null; echo "status $?"
> kymo: flame: refusing to write a picture to a terminal; give -o FILE
> status 2
$ script -qec 'kymo recover a.kymo -o -' /dev/null; echo "status $?"
> kymo: recover: recover into '-': refusing to write a capture to a terminal; give -o FILE
> status 2
$ script -qec 'kymo-record --source synthetic:events=10 -o -' /dev/null; echo "status $?"
> kymo-record: output '-': standard output is a terminal; pipe it into a program or a file, or give -o FILE
> status 2
$ script -qec 'kymo flame --json a.kymo' /dev/null | jq .samples
> 125
$ ls
> a.json
> a.kymo
> a.svg
> kept
> link
> taken

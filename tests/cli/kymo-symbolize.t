# symbolize copies a capture; with nothing to add, the copy says the same. Bad input and outputs as of import and recover.
$ cp $SAMPLES/all.kymo a.kymo; kymo symbolize a.kymo -o b.kymo; echo "status $?"; kymo dump a.kymo >1; kymo dump b.kymo >2; cmp 1 2 && echo equal
> status 0
> equal
2> kymo: symbolize: added 0 function names, and source lines of 0 of 186 places; 0 are without a name
$ kymo symbolize a.kymo -o b.kymo; echo "status $?"
> status 1
2> kymo: symbolize: 'b.kymo' exists: give another name with -o, or -f to replace it
$ kymo symbolize a.kymo -o a.kymo; echo "status $?"; kymo symbolize a.kymo -f -o a.kymo; echo "status $?"
> status 2
> status 2
2> kymo: symbolize: 'a.kymo' is both a capture to read and the output
2> kymo: symbolize: 'a.kymo' is both a capture to read and the output
$ kymo symbolize a.kymo; echo "status $?"; kymo symbolize - -o c.kymo <a.kymo; echo "status $?"; kymo symbolize no.kymo -o c.kymo; echo "status $?"
> status 2
> status 2
> status 1
2> kymo: symbolize: no output: name the capture to write with -o OUT
2> kymo: symbolize: the capture is read twice: give a file, not standard input
2> kymo: symbolize: open 'no.kymo': No such file or directory
$ DEBUGINFOD_URLS= kymo symbolize a.kymo --debuginfod -o c.kymo; echo "status $?"; ls
> status 1
> 1
> 2
> a.kymo
> b.kymo
2> kymo: symbolize: no debuginfod server is known: set DEBUGINFOD_URLS to the one of the recorded host's distribution
$ kymo import -q a.kymo -o a.db; kymo symbolize a.db -o c.kymo; echo "status $?"
> status 1
2> kymo: symbolize: 'a.db' is a database: names are added to captures
$ head -c 30000 a.kymo >cut.kymo; kymo symbolize -q cut.kymo -o c.kymo; echo "status $?"; kymo verify c.kymo | grep -E 'result|end_reason'
> status 3
> result:                good
> end_reason:            recovered
2> kymo: symbolize: 'cut.kymo' is damaged: what could not be read is missing from the copy, which says so
$ kymo symbolize -q --strict cut.kymo -o d.kymo; echo "status $?"; ls
> status 2
> 1
> 2
> a.db
> a.kymo
> b.kymo
> c.kymo
> cut.kymo
2> kymo: symbolize: 'cut.kymo': refused by --strict: byte 10368: block 10 (chunk): the file ends inside it

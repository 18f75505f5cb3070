# The status line fits the terminal, so that each overwrites the one before; units are those of kymo info.
$ for w in 200 80 40 12; do script -qec "stty cols $w; kymo-record --source synthetic:events=300000,rate=500K -f -o a.kymo" /dev/null | tr '\r' '\n' | python3 -c 'import sys; lines = [l[3:] for l in sys.stdin.read().split("\n") if l.startswith("\x1b[K")]; lines = [l for l in lines if l and not l.startswith("kymo-record")]; print(len(lines) > 0, max(map(len, lines)) < int(sys.argv[1]))' $w; done
> True True
> True True
> True True
> True True
$ kymo-record --source synthetic:events=2000,mix=all,seed=3 -o b.kymo 2>&1 | sed -n "1s/.* events, \(.*\) in .*/\1/p" >a; kymo info b.kymo | sed -n 's/^file_size: *//p' | diff a -

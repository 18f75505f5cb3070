# A report says the same of a capture and of the database made from it, as text and as JSON.
$ kymo-record --source synthetic:events=20000,mix=all,seed=5 -q -o a.kymo; kymo import a.kymo -o a.db 2>/dev/null; echo "status $?"
> status 0
$ for c in syscalls 'folded -q' overhead; do for j in '' --json; do kymo $c $j a.kymo >capture.txt; kymo $c $j a.db >database.txt; cmp capture.txt database.txt && echo same; done; done
> same
> same
> same
> same
> same
> same
$ sed -n p a.kymo | kymo syscalls - >pipe.txt; kymo syscalls a.kymo | cmp - pipe.txt && echo same
> same

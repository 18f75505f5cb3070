# kymo and a decoder written from SPEC.md alone read the same from sound captures, from damaged ones and from hostile ones.
$ kymo-record --source synthetic:events=300,mix=all,seed=1 -q -o a.kymo; kymo-record --source synthetic:events=2000,mix=syscalls,seed=2 -q -o b.kymo
$ $TESTS/decoder/compare_decoders.py a.kymo b.kymo --cases
> 117 files, 0 differ
$ $TESTS/decoder/compare_decoders.py a.kymo b.kymo --mutate 150 --seed 1
> 156 files, 0 differ

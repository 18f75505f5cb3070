# kymo and a decoder written from SPEC.md alone read the same from sound captures, from damaged ones and from hostile ones.
# Left out (--without) is what they still read in two ways; each name there is a defect to mend.
$ kymo-record --source synthetic:events=300,mix=all,seed=1 -q -o a.kymo; kymo-record --source synthetic:events=2000,mix=syscalls,seed=2 -q -o b.kymo
$ $TESTS/compare_decoders.py a.kymo b.kymo --cases --without last_seq,first_seq_is_last,unknown_skippable,unknown_private,private_number_of_ours,private_skippable_of_ours,damaged_copy_before_gap,foreign_end,replica_of_rows,damaged_block_counts_nothing,schema_type_twice,schema_field_twice
> 27 files, 0 differ
$ $TESTS/compare_decoders.py a.kymo b.kymo --mutate 150 --seed 1 --without swap_pages,move_blocks,sealed_schema,sealed_header
> 152 files, 0 differ

# an incompatible feature bit that 1.0 does not know
#! mask sizes
$ kymo info --json newer-feature.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":null,"events_dropped":null,"events_damaged":null,"complete":null,"end_reason":null}
> status 1
2> kymo: info: 'newer-feature.kymo': format version 1.5 with features 0x10000000000, which version 1.5 of this program lacks: use a newer kymo
$ kymo verify --decode newer-feature.kymo
2> kymo: verify: 'newer-feature.kymo': format version 1.5 with features 0x10000000000, which version 1.5 of this program lacks: use a newer kymo
? 1
$ kymo dump newer-feature.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 0
> status 1
2> kymo: dump: 'newer-feature.kymo': format version 1.5 with features 0x10000000000, which version 1.5 of this program lacks: use a newer kymo
$ kymo import --quiet newer-feature.kymo -o out.db; echo "status $?"; ls
> status 1
> newer-feature.kymo
2> kymo: import: import into 'out.db': 'newer-feature.kymo': format version 1.5 with features 0x10000000000, which version 1.5 of this program lacks: use a newer kymo

# format version 2.0
#! mask sizes
$ kymo info --json newer-major.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":null,"events_dropped":null,"events_damaged":null,"complete":null,"end_reason":null}
> status 1
2> kymo: info: 'newer-major.kymo': format version 2.5; this program reads 1.x: use a newer kymo
$ kymo verify --decode newer-major.kymo
2> kymo: verify: 'newer-major.kymo': format version 2.5; this program reads 1.x: use a newer kymo
? 1
$ kymo dump newer-major.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 0
> status 1
2> kymo: dump: 'newer-major.kymo': format version 2.5; this program reads 1.x: use a newer kymo
$ kymo import --quiet newer-major.kymo -o out.db; echo "status $?"; ls
> status 1
> newer-major.kymo
2> kymo: import: import into 'out.db': 'newer-major.kymo': format version 2.5; this program reads 1.x: use a newer kymo

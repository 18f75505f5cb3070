# the schema's checksum is right, its content is not a schema
#! mask sizes
$ kymo info --json schema-is-noise.kymo | jq -c '{events_stored, events_dropped, events_damaged, complete, end_reason} + .damage'; echo "status ${PIPESTATUS[0]}"
> {"events_stored":28,"events_dropped":0,"events_damaged":0,"complete":false,"end_reason":"normal","blocks_read":16,"blocks_damaged":1,"blocks_lost":0,"blocks_unknown":0,"bytes_skipped":N,"columns_rejected":0,"rows_unknown_type":0}
> status 3
2> kymo: info: 'schema-is-noise.kymo' is damaged: 1 block and N bytes could not be read; `kymo verify` says where
$ kymo verify --decode schema-is-noise.kymo
> path:                  schema-is-noise.kymo
>
> problems
> offset  bytes  problem  from_s  to_s      blocks  events  text
> N N  damaged       -  0.000004       1       0  block 1 (schema): schema: a record of 1835362403 bytes extends past the end
> result:                damaged
> checked:               everything: every row was decoded
> file_bytes:            N
> captures:              1
> blocks_good:           16
> blocks_damaged:        1
> blocks_lost:           0
> blocks_unknown:        0
> blocks_foreign:        0
> bytes_skipped:         N
> rows:                  56
> events:                28
> events_missing:        0
> events_written:        28
> rows_unknown_type:     0
> columns:               N
> columns_rejected:      0
> ended:                 yes
> end_reason:            normal
? 3
$ kymo dump schema-is-noise.kymo | wc -l; echo "status ${PIPESTATUS[0]}"
> 56
> status 3
2> kymo: dump: 'schema-is-noise.kymo' is damaged: 1 blocks and N bytes could not be read
$ kymo import --quiet schema-is-noise.kymo -o out.db; echo "status $?"; ls
> status 3
> out.db
> schema-is-noise.kymo
2> kymo: import: 'schema-is-noise.kymo' is damaged: 1 block and N bytes could not be read; `kymo verify` says where

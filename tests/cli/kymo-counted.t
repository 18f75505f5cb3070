# System calls that were counted instead of stored one by one: every report says so, what is not exact is marked, and nothing is called lost.
$ cp $TESTS/golden/1.1/recorder-counted.kymo c.kymo; kymo syscalls -n 4 c.kymo; echo "status $?"
> calls: all of the time, 13,263 counted; 0 lost; see kymo overhead
> syscall             calls  counted  errors  unfinished      total    share         min         avg         p50         p99         max
> clock_nanosleep        48        0       0           0    8.146 s  99.48 %  158.504 ms  169.717 ms  169.870 ms  180.836 ms  180.836 ms
> getppid            24,576   13,262       0           0  15.242 ms   0.19 %     >256 ns    620.2 ns     ~558 ns   ~1.016 us   44.286 us
> futex                   1        0       0           0  14.535 ms   0.18 %   14.535 ms   14.535 ms   14.535 ms   14.535 ms   14.535 ms
> sched_setaffinity       2        1       0           0  12.211 ms   0.15 %    4.186 us    6.106 ms    4.186 us   12.207 ms   12.207 ms
> 21 more (-n 0 shows all)
> status 0
$ kymo syscalls --by-process -n 2 --histogram --errors --name getppid c.kymo
> calls: all of the time, 13,263 counted; 0 lost; see kymo overhead
>   pid  comm   syscall   calls  counted  errors  unfinished      total   share      min       avg      p50        p99        max
> 26834  storm  getppid  24,576   13,262       0           0  15.242 ms  0.19 %  >256 ns  620.2 ns  ~558 ns  ~1.016 us  44.286 us
>
> syscall_errors_by_process
> pid  comm  syscall  error  calls
>
> getppid
>              nsecs           : count      distribution
>          256 -> 511          : 5275       |*********                           |
>          512 -> 1023         : 19095      |************************************|
>         1024 -> 2047         : 165        |                                    |
>         2048 -> 4095         : 25         |                                    |
>         4096 -> 8191         : 3          |                                    |
>         8192 -> 16383        : 1          |                                    |
>        16384 -> 32767        : 9          |                                    |
>        32768 -> 65535        : 3          |                                    |
$ kymo syscalls --csv -n 2 c.kymo
> name,calls,single,counted,estimated,bounds,errors,unfinished,total_ns,share_percent,min_ns,avg_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,sysno,compat,for_work,capture_id
> clock_nanosleep,48,48,0,,,0,0,8146421702,99.4830684785689,158503688,169717118.79166666,169870051,172879441,180836144,180836144,180836144,230,0,0,1
> getppid,24576,11314,13262,p50 p90 p99 p999,min,0,0,15242394,0.18613818208147159,256,620.214599609375,558,804,1016,2980,44286,110,0,0,1
2> kymo: syscalls: calls: all of the time, 13,263 counted; 0 lost; see kymo overhead
$ kymo syscalls --json -n 1 c.kymo
> {
>   "syscalls": [
>     {"name": "clock_nanosleep", "calls": 48, "single": 48, "counted": 0, "estimated": null, "bounds": null, "errors": 0, "unfinished": 0, "total_ns": 8146421702, "share_percent": 99.4830684785689, "min_ns": 158503688, "avg_ns": 169717118.79166666, "p50_ns": 169870051, "p90_ns": 172879441, "p99_ns": 180836144, "p999_ns": 180836144, "max_ns": 180836144, "sysno": 230, "compat": 0, "for_work": 0, "capture_id": 1}
>   ],
>   "counted_calls": {
>     "single": 11401,
>     "counted": 13263,
>     "from_s": 0.027866725,
>     "to_s": 4.136922528,
>     "exact": "calls, errors, unfinished, total and avg of both",
>     "estimated": "percentiles that a row lists in estimated are interpolated: durations of counted calls are known to a power of two",
>     "bounds": "a min or max that a row lists in bounds is a bound: the shortest call may be longer, the longest shorter"
>   },
>   "coverage": [
>     {"class": "syscalls", "full_percent": 100, "counts_percent": 0, "reduced_percent": 0, "off_percent": 0, "lost_count": 0}
>   ],
>   "loss": {
>     "events_dropped": 0,
>     "events_damaged": 0,
>     "unknown": 0,
>     "complete": true,
>     "spans": []
>   }
> }
$ kymo syscalls --from 1.5 -n 1 c.kymo
> calls: all of the time, 8,685 counted; 0 lost; 3,333 counted calls at the edges left out; see kymo overhead
> syscall          calls  counted  errors  unfinished    total    share         min         avg         p50         p99         max
> clock_nanosleep     30        0       0           0  5.078 s  99.56 %  158.504 ms  169.280 ms  169.825 ms  178.461 ms  178.461 ms
> 9 more (-n 0 shows all)
$ kymo syscalls --from 0 --to 0.001 --comm kymo-record c.kymo
> syscall  calls  errors  unfinished  total  share  min  avg  p50  p99  max
2> kymo: syscalls: no system calls match the filters
$ kymo syscalls --sort name --comm storm -n 2 --json c.kymo | jq -c '.counted_calls.names'
> "counted calls belong to whole processes: --comm was compared with the name of the main thread"
$ kymo import -q --no-symbols c.kymo -o c.db; kymo import --no-symbols c.kymo -f -o c.db 2>&1 | sed 1d
> kymo: import: calls: all of the time, 13,263 counted; 0 lost; see kymo overhead
2> kymo: import: calls: all of the time, 13,263 counted; 0 lost; see kymo overhead
$ for q in "-e --by-process" "--json" "--from 1 --to 3 --json" "--histogram"; do kymo syscalls $q c.kymo >capture.txt; kymo syscalls $q c.db >database.txt; cmp capture.txt database.txt && echo same; done
> same
> same
> same
> same
$ kymo info c.kymo | grep -E '^events|^class |^syscalls '
> events_stored:         11,407
> events_counted:        13,263
> events_dropped:        0
> events_damaged:        0
> class     attempted_count  stored_count  counted_count  lost_count  unmatched_count
> syscalls            24664         11401          13263           0                2
> events
$ kymo dump -t syscall c.kymo | wc -l; kymo dump -t syscall_count c.kymo | head -1; kymo dump c.kymo >/dev/null
> 11401
> {"type":"syscall_count","time_ns":26150400125028,"from_ns":26149391079615,"call_count":1874,"total_ns":1118871,"task":{"tgid":26834,"tid":26834,"leader_start_ns":26148001324562,"exec_id":8,"comm":"storm"},"sysno":110,"sysno_name":"getppid","flags":0,"bucket":9,"cpu":0,"error":0}
2> kymo: dump: not everything was stored one by one: see --type syscall_count (calls: 13263)
2> kymo: dump: not everything was stored one by one: see --type syscall_count (calls: 13263)
2> kymo: dump: not everything was stored one by one: see --type syscall_count (calls: 13263)
$ kymo sql c.kymo "SELECT class, attempted_count = stored_count + counted_count + lost_count AS identity FROM class_totals"
> class     identity
> syscalls         1
> tasks            1
> mappings         1
$ kymo sql --json c.db "SELECT sum(calls) AS calls FROM counted_spans" | jq -c .
> {"rows":[{"calls":13263}],"counted":[{"path":"c.kymo","calls":13263,"from_s":0.027866725,"to_s":4.136922528,"capture_id":1}],"loss":{"events_dropped":0,"events_damaged":0,"unknown":0,"complete":true,"spans":[]}}
$ kymo verify --decode c.kymo | grep counted
> events_counted:        13,263

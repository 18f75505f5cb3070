# A part of a capture is a capture; what is no part is refused.
$ kymo cut $SAMPLES/live.kymo --from 0.5 --to 1 -o part.kymo; kymo verify part.kymo | grep result; kymo info --json part.kymo | jq -c '[.duration_ns, .complete], (.classes[] | [.class, .attempted_count, .stored_count, .lost_count])'; kymo dump -t mark part.kymo | jq -r .text
> result:                good
> [500000000,true]
> ["cpu",63,63,0]
> ["mappings",40,40,0]
> ["syscalls",4482,4482,0]
> ["tasks",36,36,0]
> events from 4604308718506 to 4604808718506 ns of all processes
2> kymo: cut: '$SAMPLES/live.kymo': kept 4545 of 22466 events, 34136 bytes
$ kymo syscalls --csv -n 3 part.kymo; kymo syscalls --csv -n 3 --from 0.5 --to 1 $SAMPLES/live.kymo
> name,calls,errors,unfinished,total_ns,share_percent,min_ns,avg_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,sysno,compat,for_work,capture_id
> openat,747,747,0,1670463,27.933757485468021,1102,2236.2289156626507,1282,4907,13790,19279,19279,257,0,0,1
> sendto,747,0,0,1480050,24.749639929987641,931,1981.3253012048192,1002,6320,10236,11377,11377,44,0,0,1
> recvfrom,747,0,0,1246504,20.844245242585934,931,1668.6800535475234,991,4517,6650,36124,36124,45,0,0,1
> name,calls,errors,unfinished,total_ns,share_percent,min_ns,avg_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,sysno,compat,for_work,capture_id
> openat,747,747,0,1670463,27.933757485468021,1102,2236.2289156626507,1282,4907,13790,19279,19279,257,0,0,1
> sendto,747,0,0,1480050,24.749639929987641,931,1981.3253012048192,1002,6320,10236,11377,11377,44,0,0,1
> recvfrom,747,0,0,1246504,20.844245242585934,931,1668.6800535475234,991,4517,6650,36124,36124,45,0,0,1
$ kymo cut -q $SAMPLES/waits.kymo -p 12330 --from 1 -o pid.kymo; kymo offcpu -n 3 pid.kymo | head -4
> process  call             kind   waits     time    share  longest  run queue
> python3  clock_nanosleep  timer     15   1.10 s  91.07 %   948 ms    4.10 ms
> python3  futex            lock       5  95.5 ms   7.91 %  19.1 ms     130 us
> python3  fsync            io        17  10.9 ms   0.90 %  3.76 ms    6.65 ms
2> kymo: cut: '$SAMPLES/waits.kymo': 218 counted events were left out: the spans they were counted in are only partly inside
$ kymo cut $SAMPLES/live.kymo -o x.kymo
2> kymo: cut: no part: name it with --from, --to or -p PID
? 2
$ kymo cut $SAMPLES/live.kymo --from 90 -o x.kymo; ls x.kymo* 2>&1
> ls: cannot access 'x.kymo*': No such file or directory
2> kymo: cut: the capture covers 2.113 s: nothing of it is in that part
? 2
$ kymo cut $SAMPLES/live.kymo --from 2 --to 1 -o x.kymo
2> kymo: cut: --to must be later than --from
? 2
$ kymo cut $SAMPLES/live.kymo --comm sh -o x.kymo
2> kymo: cut: --comm: a part is cut by time and process: use -p PID
? 2
$ kymo cut $SAMPLES/live.kymo --from 1 -o part.kymo
2> kymo: cut: cut into 'part.kymo': 'part.kymo' exists: give another name with -o, or -f to replace it
? 1

#!/bin/busybox sh
# The first process of the little system that tests/kernels/run.sh boots: records a known workload, and hands the files out through
# the second serial port, as base64 between lines that name them.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
mount -t bpf none /sys/fs/bpf 2>/dev/null
ulimit -l 8192 # what a service has, not what the first process of a system has
cd /tmp || poweroff -f
stty -F /dev/ttyS1 raw -echo 115200

# give FILE...
give() {
	for file; do
		echo "begin $file"
		base64 "$file"
		echo "end $file"
	done >/dev/ttyS1
}

kymo-record doctor --json --report >doctor.json 2>doctor.err
echo "doctor $?" >status
kymo-record -e cpu,syscalls -F 99 --cpu-budget none -o all.kymo -- workload --seconds 2 --syscalls 500 --spawn 5 >truth.json 2>record.err
echo "record $?" >>status
kymo-record -e syscalls --cpu-budget none --buffer 4K -q -o loss.kymo -- workload --seconds 1 --syscalls 20000 --rate 1000000 --threads 2 --idle >loss-truth.json 2>loss.err
echo "loss $?" >>status
# names: of a program that already ran, and of a command and what it becomes
known_code work 600000 &
known=$!
usleep 300000
kymo-record -e cpu -F 99 --cpu-budget none -q -d 1500ms -p $known -o running.kymo 2>running.err
echo "running $?" >>status
kill $known
kymo-record -e cpu -F 99 --cpu-budget none -q -o command.kymo -- /bin/known_code then 500 /bin/known_code work 500 2>command.err
echo "command $?" >>status
ls /sys/fs/bpf >left
give running.err command.err running.kymo command.kymo
give status doctor.json doctor.err record.err loss.err truth.json loss-truth.json left all.kymo loss.kymo
echo finished >/dev/ttyS1
sync
poweroff -f

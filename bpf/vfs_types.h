#pragma once
/* What we read of open files and sockets: as vmlinux_min.h, apart because only few programs need
 * it. Types that others have, too, have a suffix here. */
#include "vmlinux_min.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	union {
		struct {
			u32 hash, len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct inode___vfs {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file___vfs {
	struct path f_path;
	struct inode___vfs *f_inode;
	const void *f_op;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file___vfs **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct___files {
	struct files_struct *files;
};

struct in6_addr___file {
	u8 bytes[16];
};

struct sock_common___file {
	u32 skc_daddr, skc_rcv_saddr;
	u32 skc_portpair;
	unsigned short skc_dport, skc_num, skc_family;
	volatile unsigned char skc_state;
	struct in6_addr___file skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock___file {
	struct sock_common___file __sk_common;
	unsigned short sk_type, sk_protocol;
};

struct socket___file {
	struct sock___file *sk;
};

struct inet_sock___file {
	unsigned short inet_sport;
};

struct sockaddr_un___file {
	char sun_path[1];
};

struct unix_address___file {
	int len;
	struct sockaddr_un___file name[1];
};

struct unix_sock___file {
	struct unix_address___file *addr;
	struct sock___file *peer;
};

#pragma clang attribute pop

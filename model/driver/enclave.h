/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave.h - one process's view of an enclave: its mappings, its page table, the shared file
 */
#ifndef MODEL_DRIVER_ENCLAVE_H
#define MODEL_DRIVER_ENCLAVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpu/cpu.h"
#include "driver/count.h"
#include "driver/epcfile.h"

/* One mapping of the device: what Linux keeps as a vm_area_struct. */
struct vma {
    uint64_t start, end;
    uint64_t offset; /* in the device, as mmap(2) was told: shown, but means nothing */
    int prot;        /* PROT_* */
    int may;         /* PROT_* that mprotect may give it: VM_MAYREAD and so on */
    bool dontcopy;   /* a forked child does not get it */
};

/*
 * A page-table entry of this process. The protection that the host's own page table carries for the
 * page is the intersection of prot and what the EPCM permits; native remembers it, so that nothing
 * is changed twice.
 */
struct pte {
    uint32_t frame;
    uint8_t present;
    uint8_t prot;   /* PROT_* of the VMA when the entry was made or last changed */
    uint8_t native; /* PROT_* in force on the host */
    uint8_t alien;  /* the host's mapping shows another frame than frame 1 + page */
};

struct enclave {
    struct enclave *next; /* registry, guarded by its lock */
    int fd;               /* our own descriptor of the file: keeps it alive for mappings */
    uint64_t inode;       /* identifies the file behind any descriptor of it, */
                          /* together with the device of all memory files */
    unsigned open_fds;    /* descriptors opened by sgx2_open() and not closed; registry lock */

    struct epc_file *file;
    struct record *records; /* in the file; NULL before ECREATE */
    struct epc epc;         /* points into the file */
    void *mapping;          /* the whole file, once created */
    size_t mapping_size;

    uint32_t process; /* 1 + our index in file->processes; 0: not there yet */

    /* The rest is guarded by file->lock, like the file itself. */
    uint64_t seen;    /* the file's generation that ptes agree with */
    struct vma *vmas; /* ascending, never overlapping */
    size_t vma_count, vma_capacity;
    struct pte *ptes;           /* one per page of ELRANGE; NULL before ECREATE */
    uint64_t pte_low, pte_high; /* pages outside [low, high) have no entry */
    unsigned open;              /* threads of this process inside, if that matters: hide.h */
};

/* ---------------------------------------------------------------- device.c: registry, locking */

/*
 * The lock of an enclave. A thread that holds it must not take a signal whose handler could want it
 * too: driver calls block all signals around it, trap handlers run with all signals blocked.
 */
void enclave_lock(struct enclave *e);
void enclave_unlock(struct enclave *e);

/* Block all signals for the duration of a driver call. */
void driver_enter(sigset_t *ret_saved);

/* This process and its children by fork are the model's even before the device is opened. */
void driver_begin(void);
void driver_leave(const sigset_t *saved);

/* False while this process never opened the device: nothing can concern an enclave. */
bool enclave_any(void);

/* False in the child of vfork(), whose memory is its parent's but whose descriptors are not. */
bool enclave_is_ours(void);

struct enclave *enclave_by_fd(int fd);

/*
 * The same for a call that works on it: it stays until enclave_release_fd(), whoever closes fd or
 * unmaps it meanwhile.
 */
struct enclave *enclave_use(int fd);
void enclave_hold_fd(struct enclave *e);    /* one more descriptor of it */
void enclave_release_fd(struct enclave *e); /* one less */
bool enclave_is_private(int fd);            /* the model's own descriptor of some enclave */
struct enclave *enclave_by_address(uint64_t address); /* of any of its mappings */
struct enclave *enclave_by_tcs(uint64_t tcs);         /* of its ELRANGE */
void enclave_each(void (*visit)(struct enclave *e, void *arg), void *arg);

/* Free the view if neither a descriptor nor a mapping is left. */
void enclave_put(struct enclave *e);

/* Signals that the caller of the driver call in progress would take, were they not blocked. */
bool driver_signal_pending(void);

/* ---------------------------------------------------------------- helpers */

static inline bool enclave_contains(const struct enclave *e, uint64_t address)
{
    return e->file->created && address - e->file->base < e->file->size;
}

static inline uint64_t enclave_page(const struct enclave *e, uint64_t address)
{
    return (address - e->file->base) >> SGX_PAGE_SHIFT;
}

static inline uint64_t page_address(const struct enclave *e, uint64_t page)
{
    return e->file->base + (page << SGX_PAGE_SHIFT);
}

/* ---------------------------------------------------------------- view.c */

/*
 * This process's view of the memory file behind fd, whatever fd may do: it has a descriptor of its
 * own. NULL and errno: no memory file of ours (0), or no memory or descriptors.
 */
struct enclave *view_new(int fd);

/* Is fd a file that could be one: a memory file? One system call, and most files are not. */
bool view_possible(int fd);

void view_free(struct enclave *e);

/* In a forked child: the parent's view becomes its own. */
void view_after_fork(struct enclave *e);

/* ---------------------------------------------------------------- descriptor.c */

#define DEVICE_PATH    "/dev/sgx_enclave"
#define PROVISION_PATH "/dev/sgx_provision"

/* A descriptor of the provisioning device, or a negative errno. */
int open_provision(int flags);

/* Is fd one? */
bool is_provision(int fd);

/* ---------------------------------------------------------------- locks.c */

/* fcntl(2) of a descriptor of the device with one of the lock commands. 0 or a negative errno. */
int locks_fcntl(int fd, int command, uint64_t user_lock);

/* ---------------------------------------------------------------- vma.c */

const struct vma *vma_find(const struct enclave *e, uint64_t address);
int vma_insert(struct enclave *e, struct vma vma);
int vma_remove(struct enclave *e, uint64_t start, uint64_t end);
int vma_protect(struct enclave *e, uint64_t start, uint64_t end, int prot);
int vma_dontcopy(struct enclave *e, uint64_t start, uint64_t end);

/* The lowest mapping that reaches into [start, end), or NULL. */
const struct vma *vma_first(const struct enclave *e, uint64_t start, uint64_t end);

/* ---------------------------------------------------------------- mm.c, remap.c */

/* A part of an address range: one mapping of an enclave, or what lies before the next such. */
struct part {
    uint64_t start, end;
    struct enclave *e; /* NULL: no enclave's */
};

/* The part of [start, end) that begins at start. */
struct part mm_part(uint64_t start, uint64_t end);

/* [start, start + size) is no longer enclave memory: something else is mapped there, or nothing. */
void mm_forget(uint64_t start, size_t size);

/* The same for this view only. Locked. */
void mm_drop(struct enclave *e, uint64_t start, uint64_t end);

/* Addresses for a mapping, reserved: as asked for, or wherever the kernel finds room. */
intptr_t mm_place(void *address, size_t size, int flags);

/* In a forked child: the mappings that the kernel did not copy are gone. */
void mm_after_fork(struct enclave *e);

/* ---------------------------------------------------------------- listing.c */

/*
 * All mappings of enclaves that this process has, by ascending address: their number, and an array
 * that the caller frees; NULL if there are none. -ENOMEM if there is no memory for it.
 */
ssize_t listing_take(struct vma **ret_vmas);

/* ---------------------------------------------------------------- pagetable.c */

/* Map the file over [start, end) of ELRANGE with no access, forgetting what was there. */
int pagetable_attach(struct enclave *e, uint64_t start, uint64_t end);

void pagetable_insert(struct enclave *e, uint64_t page, uint32_t frame, int prot);
void pagetable_zap(struct enclave *e, uint64_t first, uint64_t end);
void pagetable_protect(struct enclave *e, uint64_t first, uint64_t end, int prot);

/*
 * Bring pages in line with what another process did to them: an entry that shows another frame than
 * the driver's record, or more than the record allows, goes; the others follow the EPCM.
 */
void pagetable_resync(struct enclave *e, uint64_t first, uint64_t end);

/* Bring the host's protection of a page in line with entry and EPCM. True if it changed. */
bool pagetable_sync(struct enclave *e, uint64_t page);

/* The same for all pages that have an entry. */
void pagetable_sync_all(struct enclave *e);

/* The walk: false and *ret_pfec if the entry refuses. address lies in ELRANGE. */
bool pagetable_walk(const struct enclave *e, uint64_t address, enum access access,
                    uint32_t *ret_frame, uint32_t *ret_pfec);

/* ---------------------------------------------------------------- fault.c */

enum fault_result {
    FAULT_RETRY, /* settled: run the instruction again */
    FAULT_SEGV,
    FAULT_BUS,
};

/* Whose access it was. */
enum fault_by {
    FAULT_BY_HOST,    /* code outside */
    FAULT_BY_ENCLAVE, /* code inside: an AEX came before */
    FAULT_BY_ENTRY,   /* EENTER or ERESUME */
};

/*
 * What Linux does about a page fault in ELRANGE, error code pfec. Locked; if pages must leave the
 * EPC for this one, the lock may have been given up for a while. The calling thread is outside.
 */
enum fault_result fault_handle(struct enclave *e, uint64_t address, uint32_t pfec,
                               enum fault_by by);

/*
 * EAUG page with frame; the driver's record, and its place among those that may be evicted, follow.
 * The caller has prepared for it: reclaim_prepare(). Locked.
 */
struct outcome fault_eaug(struct enclave *e, uint64_t page, uint32_t frame);

/* A frame for page: its own if that is free, else a spare one; FRAME_NONE if none is left. */
uint64_t frame_for(const struct enclave *e, uint64_t page);

/* ---------------------------------------------------------------- ioctls */

/* Mappings made before CREATE get their pages now that ELRANGE is known. */
int attach_early_mappings(struct enclave *e);

int ioctl_create(struct enclave *e, void *argument);
int ioctl_add_pages(struct enclave *e, void *argument);
int ioctl_init(struct enclave *e, void *argument);
int ioctl_provision(struct enclave *e, void *argument);
int ioctl_restrict(struct enclave *e, void *argument);
int ioctl_modify_types(struct enclave *e, void *argument);
int ioctl_remove(struct enclave *e, void *argument);
int ioctl_instrument(struct enclave *e, unsigned long request, void *argument);
int ioctl_debug(struct enclave *e, bool writes, void *argument);

/* The line of a trace for an ioctl that the driver has answered: see ioctl_trace.c. */
void ioctl_trace(const struct enclave *e, unsigned long request, const void *argument, int result);

/* Range rule of ADD_PAGES and the SGX2 ioctls. */
bool range_ok(const struct enclave *e, uint64_t offset, uint64_t length);

/* ---------------------------------------------------------------- source.c */

/*
 * Where the pages of [start, end) stop that may be executed: VM_MAYEXEC of the mappings, which
 * those of files on a file system mounted noexec lack. end if none of them lacks it.
 */
uint64_t source_executable_until(uint64_t start, uint64_t end);

/* ---------------------------------------------------------------- user.c */

/* Memory of the calling process, which may not be there: 0 or -EFAULT. */
int user_read(void *to, uint64_t from, size_t size);
int user_write(uint64_t to, const void *from, size_t size);

/* VM_DONTDUMP: no core file shall have this memory. */
void user_no_dump(void *at, size_t size);

/* ---------------------------------------------------------------- what run/ provides */

/* Force every thread that is inside the enclave out of it once. Locked; the lock is dropped. */
void run_kick_all(struct enclave *e);

/*
 * Interrupt one thread: a struct thread of this process; or tid of process pid. Once that is sent,
 * the thread executes no instruction of the enclave before it has left and entered again.
 */
enum kick {
    KICK_SENT,
    KICK_REFUSED, /* not now, or never: no room, or no right to signal it */
    KICK_DEAD,
};

enum kick run_kick(void *thread);
enum kick run_kick_other(int pid, int tid, uint64_t mark);

/* What run_kick_other() wants for threads of this process. All signals are blocked. 0: unknown. */
uint64_t run_kick_mark(void);

/* Before the process's first enclave, with its signals as they are. */
void run_prepare(void);

/* The handlers for traps must be in place before anything of the enclave can fault. */
void run_install(void);

/* Processor features of this machine. */
const struct cpu_features *run_features(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing the device, and the list of enclaves that this process knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"

#define DEVICE_PATH "/dev/sgx_enclave"

/* Taken before an enclave's lock, never after it. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct enclave *registry;

void driver_enter(sigset_t *ret_saved)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, ret_saved);
}

void driver_leave(const sigset_t *saved)
{
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}

void enclave_lock(struct enclave *e)
{
    if (pthread_mutex_lock(&e->file->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&e->file->lock); /* a process died inside; its page is the worst */
}

void enclave_unlock(struct enclave *e)
{
    pthread_mutex_unlock(&e->file->lock);
}

void enclave_each(void (*visit)(struct enclave *e, void *arg), void *arg)
{
    pthread_mutex_lock(&registry_lock);
    for (struct enclave *e = registry; e; e = e->next)
        visit(e, arg);
    pthread_mutex_unlock(&registry_lock);
}

struct enclave *enclave_by_fd(int fd)
{
    struct stat st;
    struct enclave *e;

    if (fstat(fd, &st) < 0)
        return NULL;
    pthread_mutex_lock(&registry_lock);
    for (e = registry; e && e->inode != st.st_ino; e = e->next)
        ;
    pthread_mutex_unlock(&registry_lock);
    return e;
}

struct enclave *enclave_by_address(uint64_t address)
{
    struct enclave *e;

    pthread_mutex_lock(&registry_lock);
    for (e = registry; e; e = e->next) {
        bool found;

        enclave_lock(e);
        found = vma_find(e, address) != NULL;
        enclave_unlock(e);
        if (found)
            break;
    }
    pthread_mutex_unlock(&registry_lock);
    return e;
}

struct enclave *enclave_by_tcs(uint64_t tcs)
{
    struct enclave *e;

    pthread_mutex_lock(&registry_lock);
    for (e = registry; e && !enclave_contains(e, tcs); e = e->next)
        ;
    pthread_mutex_unlock(&registry_lock);
    return e;
}

static void notice(void)
{
    static int said;
    const char *quiet = getenv("APERTURE_QUIET");

    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED) && !(quiet && *quiet == '1'))
        fputs("aperture: running on the software model of SGX2: for development and tests; "
              "it does not protect the enclave from this machine (APERTURE_QUIET=1 hides this)\n",
              stderr);
}

int sgx2_open(const char *path, int flags)
{
    struct stat st;
    struct enclave *e;
    int r;

    if (strcmp(path, DEVICE_PATH) != 0)
        return -ENOENT;
    e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    r = epcfile_new(flags, &e->file);
    if (r < 0)
        goto free_enclave;
    e->fd = fcntl(r, F_DUPFD_CLOEXEC, 0);
    if (e->fd < 0 || fstat(e->fd, &st) < 0)
        goto close_file;
    e->inode = st.st_ino;
    e->open_fds = 1;

    pthread_mutex_lock(&registry_lock);
    e->next = registry;
    registry = e;
    pthread_mutex_unlock(&registry_lock);

    run_install();
    notice();
    TRACE("open", "%s -> %d", path, r);
    return r;

close_file:
    close(r);
    munmap(e->file, sizeof *e->file);
    r = -EMFILE;
free_enclave:
    free(e);
    return r;
}

static void print_counts(const char *what, const uint64_t *count, const char *(*name)(uint32_t))
{
    for (uint32_t i = 0; i < 16; i++)
        if (count[i])
            trace_write("count", "%s %-12s %llu", what, name(i), (unsigned long long)count[i]);
}

/* The summary that ends a trace. */
static void print_counters(const struct sgx2_counters *c)
{
    const struct {
        const char *name;
        uint64_t count;
    } rows[] = {
        {"exits: EEXIT", c->eexit},
        {"exits: asynchronous (AEX)", c->aex},
        {"exceptions reported to the host", c->exceptions},
        {"page faults", c->page_faults},
        {"page faults settled by EAUG", c->eaug_faults},
        {"IPIs", c->ipis},
        {"ioctl ADD_PAGES", c->ioctl_add_pages},
        {"ioctl RESTRICT_PERMISSIONS", c->ioctl_restrict},
        {"ioctl MODIFY_TYPES", c->ioctl_modify_types},
        {"ioctl REMOVE_PAGES", c->ioctl_remove},
        {"mmap of enclave memory", c->mmaps},
        {"mprotect of enclave memory", c->mprotects},
        {"EPC pages, most at once", c->epc_pages_max},
        {"the model's own signals", c->traps},
        {"the model's own mprotects", c->host_mprotects},
    };

    print_counts("ENCLS", c->encls, trace_encls);
    print_counts("ENCLU", c->enclu, trace_enclu);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        trace_write("count", "%s: %llu", rows[i].name, (unsigned long long)rows[i].count);
}

void enclave_put(struct enclave *e)
{
    struct enclave **link;

    pthread_mutex_lock(&registry_lock);
    if (e->open_fds || e->vma_count) {
        pthread_mutex_unlock(&registry_lock);
        return;
    }
    for (link = &registry; *link != e; link = &(*link)->next)
        ;
    *link = e->next;
    pthread_mutex_unlock(&registry_lock);

    if (trace_enabled)
        print_counters(&e->file->counters);
    epcfile_shrink(e);
    munmap(e->file, sizeof *e->file);
    close(e->fd);
    free(e->vmas);
    free(e);
}

int sgx2_close(int fd)
{
    sigset_t saved;
    struct enclave *e = enclave_by_fd(fd);

    if (close(fd) < 0)
        return -errno;
    if (!e)
        return 0;
    driver_enter(&saved);
    pthread_mutex_lock(&registry_lock);
    if (e->open_fds)
        e->open_fds--;
    pthread_mutex_unlock(&registry_lock);
    enclave_put(e);
    driver_leave(&saved);
    return 0;
}

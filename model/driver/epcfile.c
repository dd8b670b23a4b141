/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/epcfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver/enclave.h"

static uint64_t page_up(uint64_t size)
{
    return (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
}

/*
 * The secrets of this machine. They are the same for every process and no secrets at all: sealed
 * data survives a restart, and reports of one enclave verify in another.
 */
static void platform_init(struct platform *platform)
{
    for (size_t i = 0; i < sizeof platform->secret; i++) {
        platform->secret[i] = (uint8_t)(0xa0 + i);
        platform->cpu_svn[i] = 0;
        platform->owner_epoch[i] = 0;
    }
    for (size_t i = 0; i < sizeof platform->report_key_id; i++)
        platform->report_key_id[i] = (uint8_t)i;
    platform->cpu_svn[0] = 1;
}

static void lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

int epcfile_new(int flags)
{
    const size_t size = page_up(sizeof(struct epc_file));
    enum sgx2_profile profile;
    uint64_t epc_pages;
    struct epc_file *file;
    int error;
    int fd;

    if (!profile_choose(&profile, &epc_pages))
        return -EINVAL;
    fd = memfd_create("sgx_enclave", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) < 0)
        goto close_fd;
    file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        goto close_fd;

    lock_init(&file->lock);
    platform_init(&file->platform);
    file->profile = profile;
    file->epc_limit = epc_pages;
    file->records_at = size;
    file->header_size = sizeof *file;
    file->magic = EPC_MAGIC;
    epcfile_unmap_header(file);
    return fd;

close_fd:
    error = -errno;
    close(fd);
    return error;
}

struct epc_file *epcfile_header(int fd)
{
    struct {
        uint64_t magic, header_size;
    } start;
    struct epc_file *file;

    if (pread(fd, &start, sizeof start, 0) != sizeof start || start.magic != EPC_MAGIC ||
        start.header_size != sizeof *file)
        return NULL;
    file = mmap(NULL, page_up(sizeof *file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return file == MAP_FAILED ? NULL : file;
}

void epcfile_unmap_header(struct epc_file *file)
{
    munmap(file, page_up(sizeof *file));
}

int epcfile_grow(struct enclave *e, uint64_t size)
{
    struct epc_file *file = e->file;
    const uint64_t pages = size >> SGX_PAGE_SHIFT;

    file->frame_count = 1 + pages + EPC_SPARE_FRAMES;
    file->epcm_at = file->records_at + page_up(pages * sizeof(struct record));
    file->frames_at = file->epcm_at + page_up(file->frame_count * sizeof(struct epcm));
    file->file_size = file->frames_at + (file->frame_count << SGX_PAGE_SHIFT);
    return ftruncate(e->fd, (off_t)file->file_size) < 0 ? -ENOMEM : 0;
}

static uint64_t page_count(const struct epc_file *file)
{
    return file->frame_count - 1 - EPC_SPARE_FRAMES;
}

int epcfile_map(struct enclave *e)
{
    struct epc_file *file = e->file;
    const uint64_t pages = page_count(file);
    uint8_t *map;

    map = mmap(NULL, file->file_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, e->fd, 0);
    if (map == MAP_FAILED)
        return -ENOMEM;
    e->ptes = mmap(NULL, pages * sizeof(struct pte), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (e->ptes == MAP_FAILED) {
        e->ptes = NULL;
        munmap(map, file->file_size);
        return -ENOMEM;
    }

    e->mapping = map;
    e->mapping_size = file->file_size;
    e->records = (struct record *)(map + file->records_at);
    e->epc = (struct epc){
        .epcm = (struct epcm *)(map + file->epcm_at),
        .frames = map + file->frames_at,
        .frame_count = file->frame_count,
        .state = &file->state,
        .platform = &file->platform,
        .features = run_features(),
    };
    e->pte_low = pages;
    e->pte_high = 0;
    return 0;
}

void epcfile_unmap(struct enclave *e)
{
    if (e->mapping)
        munmap(e->mapping, e->mapping_size);
    if (e->ptes)
        munmap(e->ptes, page_count(e->file) * sizeof(struct pte));
    e->mapping = NULL;
    e->records = NULL;
    e->ptes = NULL;
    memset(&e->epc, 0, sizeof e->epc);
}

bool epcfile_full(const struct enclave *e)
{
    return e->file->counters.epc_pages >= e->file->epc_limit;
}

void epcfile_count_page(struct enclave *e)
{
    const uint64_t now = COUNT(e, epc_pages) + 1;

    if (now > e->file->counters.epc_pages_max)
        e->file->counters.epc_pages_max = now;
}

void epcfile_uncount_page(struct enclave *e)
{
    __atomic_fetch_sub(&e->file->counters.epc_pages, 1, __ATOMIC_RELAXED);
}

void epcfile_discard(struct enclave *e, uint64_t frame)
{
    off_t at = (off_t)(e->file->frames_at + (frame << SGX_PAGE_SHIFT));

    if (fallocate(e->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, SGX_PAGE_SIZE) < 0)
        memset(epc_frame(&e->epc, frame), 0, SGX_PAGE_SIZE);
}

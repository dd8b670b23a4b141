/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/epcfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver/hostile.h"
#include "driver/platform.h"

static uint64_t page_up(uint64_t size)
{
    return (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
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
    struct platform platform;
    uint64_t epc_pages;
    struct rules rules;
    struct epc_file *file;
    int error;
    int fd;

    if (!profile_choose(&profile, &epc_pages) || !hostile_choose(&rules) ||
        platform_choose(&platform) < 0)
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
    file->platform = platform;
    file->profile = profile;
    file->epc_limit = epc_pages;
    file->rules = rules;
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
    if (file == MAP_FAILED)
        return NULL;
    user_no_dump(file, page_up(sizeof *file));
    return file;
}

void epcfile_unmap_header(struct epc_file *file)
{
    munmap(file, page_up(sizeof *file));
}

/* What belongs to reclaim, from `at` on; where it ends. */
static uint64_t place_reclaim(struct epc_reclaim *r, uint64_t pages, uint64_t at)
{
    struct epc_images *const images[] = {&r->backing, &r->kept};

    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        images[i]->pages_at = at;
        images[i]->pcmds_at = at + ((pages + 1) << SGX_PAGE_SHIFT);
        at = images[i]->pcmds_at + page_up((pages + 1) * sizeof(struct sgx_pcmd));
    }
    r->slots_at = at;
    return at + page_up(r->va_frames * SGX_VA_SLOT_COUNT / CHAR_BIT);
}

int epcfile_grow(struct enclave *e, uint64_t size)
{
    struct epc_file *file = e->file;
    struct epc_reclaim *r = &file->reclaim;
    const uint64_t pages = size >> SGX_PAGE_SHIFT, slots = SGX_VA_SLOT_COUNT;

    r->va_first = (uint32_t)(1 + pages + EPC_SPARE_FRAMES);
    r->va_frames = (uint32_t)((pages + slots) / slots); /* a slot for each page and the SECS */
    file->frame_count = r->va_first + r->va_frames;
    file->epcm_at = file->records_at + page_up(pages * sizeof(struct record));
    file->frames_at = file->epcm_at + page_up(file->frame_count * sizeof(struct epcm));
    file->file_size =
        place_reclaim(r, pages, file->frames_at + (file->frame_count << SGX_PAGE_SHIFT));
    return ftruncate(e->fd, (off_t)file->file_size) < 0 ? -ENOMEM : 0;
}

static uint64_t page_count(const struct epc_file *file)
{
    return file->reclaim.va_first - 1 - EPC_SPARE_FRAMES;
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

    user_no_dump(map, file->file_size);
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

void epcfile_count_page(struct enclave *e)
{
    const uint64_t now = __atomic_add_fetch(&e->file->counters.epc_pages, 1, __ATOMIC_RELAXED);

    if (now > e->file->counters.epc_pages_max)
        e->file->counters.epc_pages_max = now;
}

void epcfile_uncount_page(struct enclave *e)
{
    __atomic_fetch_sub(&e->file->counters.epc_pages, 1, __ATOMIC_RELAXED);
}

void epcfile_punch(struct enclave *e, uint64_t at, uint64_t size)
{
    if (fallocate(e->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)size) < 0)
        memset((uint8_t *)e->mapping + at, 0, size);
}

void epcfile_discard(struct enclave *e, uint64_t frame)
{
    epcfile_punch(e, e->file->frames_at + (frame << SGX_PAGE_SHIFT), SGX_PAGE_SIZE);
}

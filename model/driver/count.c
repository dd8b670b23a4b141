/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/count.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"

/* Tids are dense, so the first look nearly always hits; a full table shall not cost more than this.
 */
#define PROBES 64u

__thread int32_t count_own_tid;

void count_after_fork(void)
{
    count_own_tid = 0;
}

struct sgx2_counters *count_row(struct epc_file *file, int32_t tid)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        const uint32_t row = ((uint32_t)tid + i) % EPC_THREADS;
        int32_t found = 0;

        if (__atomic_compare_exchange_n(&file->thread_tids[row], &found, tid, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
            found == tid)
            return &file->thread_counters[row];
    }
    return &file->thread_counters[EPC_THREADS];
}

struct sgx2_counters *count_find_own(struct epc_file *file)
{
    if (!count_own_tid)
        count_own_tid = (int32_t)syscall(SYS_gettid);
    return count_row(file, count_own_tid);
}

static bool any(const struct sgx2_counters *counters)
{
    static const struct sgx2_counters none;

    return memcmp(counters, &none, sizeof none) != 0;
}

/* The row of tid, EPC_THREADS for the shared one, or one more if there is none. */
static uint32_t find(const struct epc_file *file, int32_t tid)
{
    if (tid == SGX2_THREADS_REST)
        return EPC_THREADS + !any(&file->thread_counters[EPC_THREADS]);
    for (uint32_t i = 0; i < PROBES && tid > 0; i++) {
        const uint32_t row = ((uint32_t)tid + i) % EPC_THREADS;

        if (file->thread_tids[row] == tid)
            return row;
    }
    return EPC_THREADS + 1;
}

const struct sgx2_counters *count_look(const struct epc_file *file, int32_t tid)
{
    const uint32_t row = find(file, tid);

    return row <= EPC_THREADS ? &file->thread_counters[row] : NULL;
}

int32_t count_next(const struct epc_file *file, int32_t tid)
{
    for (uint32_t row = tid ? find(file, tid) + 1 : 0; row < EPC_THREADS; row++)
        if (file->thread_tids[row])
            return file->thread_tids[row];
    if (tid != SGX2_THREADS_REST && any(&file->thread_counters[EPC_THREADS]))
        return SGX2_THREADS_REST;
    return 0;
}

/* ------------------------------------------------------------------ ioctls */

/* As many counters as the caller's structure has, zeros for those that it alone knows. */
static int answer(uint64_t to, const struct sgx2_counters *counters, size_t size)
{
    static const uint8_t zero[256];
    size_t done = size < sizeof *counters ? size : sizeof *counters;

    if (user_write(to, counters, done) < 0)
        return -EFAULT;
    for (size_t part; done < size; done += part) {
        part = size - done < sizeof zero ? size - done : sizeof zero;
        if (user_write(to + done, zero, part) < 0)
            return -EFAULT;
    }
    return 0;
}

static int answer_thread(const struct enclave *e, uint64_t argument, size_t size)
{
    const struct sgx2_counters *counters;
    int64_t tid;

    if (user_read(&tid, argument, sizeof tid) < 0)
        return -EFAULT;
    if (tid == 0)
        tid = (int32_t)syscall(SYS_gettid);
    counters = tid == (int32_t)tid ? count_look(e->file, (int32_t)tid) : NULL;
    if (!counters)
        return -ESRCH;
    if (user_write(argument, &tid, sizeof tid) < 0)
        return -EFAULT;
    return answer(argument + sizeof tid, counters, size - sizeof tid);
}

static int answer_next(const struct enclave *e, uint64_t argument)
{
    int64_t tid;

    if (user_read(&tid, argument, sizeof tid) < 0)
        return -EFAULT;
    if (tid && (tid != (int32_t)tid || !count_look(e->file, (int32_t)tid)))
        return -ESRCH;
    tid = count_next(e->file, (int32_t)tid);
    return user_write(argument, &tid, sizeof tid);
}

static int answer_abi(uint64_t argument)
{
    const struct sgx2_model_abi abi = {
        .version = SGX2_MODEL_ABI_VERSION,
        .counters_size = sizeof(struct sgx2_counters),
    };

    return user_write(argument, &abi, sizeof abi);
}

/* A request without its size: what stays the same when a structure grows. */
#define FAMILY(request) ((request) & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT))

bool count_is_request(unsigned long request)
{
    return FAMILY(request) == FAMILY(SGX2_MODEL_COUNTERS) ||
           FAMILY(request) == FAMILY(SGX2_MODEL_THREAD_COUNTERS) ||
           request == SGX2_MODEL_NEXT_THREAD || request == SGX2_MODEL_ABI;
}

int count_ioctl(const struct enclave *e, unsigned long request, void *argument)
{
    const uint64_t to = (uint64_t)(uintptr_t)argument;
    const size_t size = _IOC_SIZE(request);

    if (request == SGX2_MODEL_NEXT_THREAD)
        return answer_next(e, to);
    if (request == SGX2_MODEL_ABI)
        return answer_abi(to);
    if (size < 2 * sizeof(uint64_t) || size % sizeof(uint64_t))
        return -ENOTTY;
    if (FAMILY(request) == FAMILY(SGX2_MODEL_THREAD_COUNTERS))
        return answer_thread(e, to, size);
    return answer(to, &e->file->counters, size);
}

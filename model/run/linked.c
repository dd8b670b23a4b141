/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is linked with the model calls the model's sigaction() and the like, which stand
 * in the archive: the reference below has the linker take them. In a library that the program loads
 * they come after libc's and see nothing; then the model has to do without.
 */
#include "run/linked.h"

#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"

static bool linked;

/* Is this code in one of the segments of the object? */
static int is_here(struct dl_phdr_info *object, size_t size, void *ret_is)
{
    const uintptr_t here = (uintptr_t)&linked;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD &&
            here - (object->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            *(bool *)ret_is = true;
    }
    return 1; /* the first object is the program; the others do not matter */
}

__attribute__((constructor)) static void start(void)
{
    signal_find_next();
    dl_iterate_phdr(is_here, &linked);
    if (linked)
        sgx2_signals_take_all();
}

static void *nothing(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void provoke(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        return;
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

void linked_provoke_libc(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, provoke);
}

void run_prepare(void)
{
    if (linked)
        linked_provoke_libc();
}

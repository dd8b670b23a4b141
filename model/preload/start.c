/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before the program starts.
 */
#include <elf.h>

#include "model.h"
#include "preload/preload.h"

/* The auxiliary vector stands behind the environment on the initial stack. libc's getauxval() reads
 * it there, as do programs that walk it themselves. */
static Elf64_auxv_t *find_auxv(char **envp)
{
    while (*envp)
        envp++;
    return (Elf64_auxv_t *)(void *)(envp + 1);
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
    (void)envp; /* may have moved: setenv() */
    sgx2_signals_take_all();
    sgx2_cpuid_arm(); /* where it cannot be done, CPUID says what the machine is: ap-run(1) */
    for (Elf64_auxv_t *aux = find_auxv(argv + argc + 1); aux->a_type != AT_NULL; aux++)
        if (aux->a_type == AT_SYSINFO_EHDR) {
            void *image = vdso_build((const void *)aux->a_un.a_val);

            if (image)
                aux->a_un.a_val = (uint64_t)(uintptr_t)image;
        }
}

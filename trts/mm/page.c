/* SPDX-License-Identifier: Apache-2.0 */
#include "mm/page.h"

#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "fixup.h"

/* Leaf in EAX; by its bytes, see asm.h. */
#define ENCLU ".byte 0x0f, 0x01, 0xd7\n\t"

/* SDM: RBX = SECINFO, 64-byte aligned and inside; RCX = page. */
int page_eaccept(uint64_t flags, uintptr_t page)
{
    struct sgx_secinfo info = {.flags = flags};
    uint64_t rax = SGX_EACCEPT;

    __asm__ volatile("11: " ENCLU "12:\n\t" FIXUP_11_TO_12
                     : "+a"(rax)
                     : "b"(&info), "c"(page)
                     : "cc", "memory");
    return (int)rax;
}

int page_eacceptcopy(uint64_t flags, uintptr_t page, const void *source)
{
    struct sgx_secinfo info = {.flags = flags};
    uint64_t rax = SGX_EACCEPTCOPY;

    __asm__ volatile("11: " ENCLU "12:\n\t" FIXUP_11_TO_12
                     : "+a"(rax)
                     : "b"(&info), "c"(page), "d"(source)
                     : "cc", "memory");
    return (int)rax;
}

void page_emodpe(uint64_t flags, uintptr_t page)
{
    struct sgx_secinfo info = {.flags = flags};
    uint64_t rax = SGX_EMODPE;

    __asm__ volatile(ENCLU : "+a"(rax) : "b"(&info), "c"(page) : "cc", "memory");
}

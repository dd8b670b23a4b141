/* SPDX-License-Identifier: Apache-2.0 */
#include "boundary.h"

#define WORD sizeof(uint64_t)

/* Assembly, so that the compiler neither repeats, merges nor splits the access. */
static uint64_t load_word(uint64_t host)
{
    uint64_t value;

    __asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(host) : "memory");
    return value;
}

static void store_word(uint64_t host, uint64_t value)
{
    __asm__ volatile("mov %1, (%0)" : : "r"(host), "r"(value) : "memory");
}

static void store_byte(uint64_t host, uint8_t value)
{
    uint16_t ds;

    /* VERW clears only in its memory form, with a selector of writable data. */
    __asm__ volatile("mov %%ds, %0\n\t"
                     "verw %0\n\t"
                     "movb %2, (%1)\n\t"
                     "mfence\n\t"
                     "lfence"
                     : "=m"(ds)
                     : "r"(host), "q"(value)
                     : "cc", "memory");
}

/* The aligned word that a byte of the range lies in is in the same page, so outside as well. */
static size_t load_part(uint8_t *to, uint64_t host, size_t size)
{
    size_t skip = host % WORD;
    size_t take = WORD - skip < size ? WORD - skip : size;
    uint64_t value = load_word(host - skip) >> (8 * skip);

    for (size_t i = 0; i < take; i++)
        to[i] = (uint8_t)(value >> (8 * i));
    return take;
}

void copy_in(void *trusted, uint64_t host, size_t size)
{
    uint8_t *to = trusted;
    size_t done = 0;

    while (done < size) {
        if (host % WORD || size - done < WORD) {
            size_t taken = load_part(to + done, host, size - done);

            host += taken;
            done += taken;
        } else {
            uint64_t value = load_word(host);

            __builtin_memcpy(to + done, &value, WORD);
            host += WORD;
            done += WORD;
        }
    }
}

void copy_out(uint64_t host, const void *trusted, size_t size)
{
    const uint8_t *from = trusted;
    size_t done = 0;

    while (done < size) {
        if (host % WORD || size - done < WORD) {
            store_byte(host, from[done]);
            host++;
            done++;
        } else {
            uint64_t value;

            __builtin_memcpy(&value, from + done, WORD);
            store_word(host, value);
            host += WORD;
            done += WORD;
        }
    }
}

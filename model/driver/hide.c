/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/hide.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/enclave.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum hide_way way;
static int key = -1;

static void decide(void)
{
    const char *asked = getenv("APERTURE_ABORT_PAGES");

    if (!asked || *asked != '1')
        return;
    /* Threads that exist already have the right to keys that are not in use: none, by Linux's rule.
     */
    key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    way = key < 0 ? HIDE_BY_MAPPING : HIDE_BY_KEY;
}

bool hide_setting_ok(void)
{
    const char *asked = getenv("APERTURE_ABORT_PAGES");

    if (!asked || !*asked || strcmp(asked, "0") == 0 || strcmp(asked, "1") == 0)
        return true;
    fprintf(stderr, "aperture: APERTURE_ABORT_PAGES=%s: expected 0 or 1\n", asked);
    return false;
}

enum hide_way hide_way(void)
{
    pthread_once(&once, decide);
    return way;
}

int hide_key(void)
{
    hide_way();
    return key;
}

int hide_protect(void *at, size_t size, int prot)
{
    if (hide_way() == HIDE_BY_KEY)
        return pkey_mprotect(at, size, prot, key);
    return mprotect(at, size, prot);
}

bool hide_closed(const struct enclave *e)
{
    return hide_way() == HIDE_BY_MAPPING && e->open == 0;
}

void hide_open(struct enclave *e)
{
    if (e->open++ == 0)
        pagetable_sync_all(e);
}

void hide_close(struct enclave *e)
{
    if (--e->open == 0)
        pagetable_sync_all(e);
}

void hide_after_fork(struct enclave *e)
{
    if (hide_way() != HIDE_BY_MAPPING || e->open == 0)
        return;
    e->open = 0;
    pagetable_sync_all(e);
}

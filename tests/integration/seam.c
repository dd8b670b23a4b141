/* SPDX-License-Identifier: Apache-2.0 */
#include "seam.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "arch/secs.h"
#include "image/plan.h"

uint64_t seam_einit_code, seam_base;
struct ap_layout seam_layout;

static seam_ioctl *hook;
static struct os table;
static unsigned descriptors; /* before the creation */

static unsigned count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    cr_assert_not_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

int seam_pass(int fd, unsigned long request, void *argument)
{
    return os_model()->ioctl(fd, request, argument);
}

static void note_base(const struct sgx_enclave_create *create)
{
    seam_base = ((const struct sgx_secs *)(uintptr_t)create->src)->base;
}

static int seam_ioctl_all(int fd, unsigned long request, void *argument)
{
    int r;

    if (request == SGX_IOC_ENCLAVE_CREATE)
        note_base(argument);
    r = hook(fd, request, argument);
    if (request == SGX_IOC_ENCLAVE_INIT && r == -EPERM)
        cr_assert_eq(os_model()->ioctl(fd, SGX2_MODEL_EINIT_CODE, &seam_einit_code), 0);
    return r;
}

sgx_status_t seam_create(const char *path, seam_ioctl *with, bool debug)
{
    struct ap_options options = {.os = &table, .debug = debug};
    struct image_error error;
    struct image image;

    if (image_open(path, &image, &error) == 0) {
        seam_layout = image.layout;
        image_close(&image);
    }
    table = *os_model();
    table.ioctl = seam_ioctl_all;
    hook = with ? with : seam_pass;
    seam_einit_code = ~UINT64_C(0);
    seam_base = 0;
    descriptors = count_descriptors();
    return host_create(path, &options);
}

struct seam_holdings seam_holdings(uint64_t base, uint64_t size)
{
    struct seam_holdings h = {.descriptors = count_descriptors()};
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long start, end;
    char line[512];

    cr_assert_not_null(maps);
    while (fgets(line, sizeof line, maps)) {
        cr_assert_eq(sscanf(line, "%lx-%lx", &start, &end), 2, "%s", line);
        h.device_mappings += strstr(line, "sgx_enclave") != NULL;
        h.mappings_in_range += size && start < base + size && end > base;
    }
    fclose(maps);
    return h;
}

void seam_expect_refusal(sgx_status_t got, sgx_status_t status, uint64_t einit_code,
                         const char *word)
{
    struct seam_holdings h;

    cr_assert_eq(got, status, "%#x, not %#x: %s", got, status, host.error.text);
    cr_assert_eq(host.error.status, status);
    cr_assert_not_null(strstr(host.error.text, word), "\"%s\" is not in: %s", word,
                       host.error.text);
    cr_assert_eq(seam_einit_code, einit_code, "EINIT's code is %lld", (long long)seam_einit_code);
    h = seam_holdings(seam_base, seam_base ? seam_layout.elrange_size : 0);
    cr_assert_eq(h.descriptors, descriptors, "a descriptor is still open");
    cr_assert_eq(h.device_mappings, 0, "the device is still mapped");
    cr_assert_eq(h.mappings_in_range, 0, "ELRANGE is still reserved");
}

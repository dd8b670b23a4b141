/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - a capture file in memory, cut into batches that the enclave takes
 */
#ifndef HOST_CAPTURE_H
#define HOST_CAPTURE_H

#include "shared/filter.h"

struct batch {
    uint32_t packet_count;
    uint32_t data_size; /* bytes of data in use */
    struct filter_packet packets[FILTER_BATCH_PACKETS];
    uint8_t data[FILTER_BATCH_BYTES];
};

struct capture {
    uint32_t batch_count;
    uint32_t packet_count; /* of all batches */
    struct batch **batches;
};

#define CAPTURE_ERROR_SIZE 384

/*
 * capture_read() - read a whole capture of Ethernet frames
 * @ret_capture: release with capture_free()
 * @error:       CAPTURE_ERROR_SIZE bytes; on failure, what is wrong and with what
 *
 * 0, or -1 and nothing is left to release: the file cannot be read, is no capture, is cut short,
 * is not of Ethernet, holds no packet or one of more than FILTER_PACKET_MAX bytes.
 */
int capture_read(const char *path, struct capture *ret_capture, char *error);

void capture_free(struct capture *capture);

#endif

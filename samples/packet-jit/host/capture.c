/* SPDX-License-Identifier: Apache-2.0 */
#include "host/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The batch that has room for size bytes more, or NULL without memory. */
static struct batch *room_for(struct capture *capture, uint32_t size)
{
    struct batch *last = NULL;
    struct batch **batches;

    if (capture->batch_count > 0)
        last = capture->batches[capture->batch_count - 1];
    if (last && last->packet_count < FILTER_BATCH_PACKETS &&
        size <= FILTER_BATCH_BYTES - last->data_size)
        return last;

    batches = realloc(capture->batches, (capture->batch_count + 1) * sizeof *batches);
    if (!batches)
        return NULL;
    capture->batches = batches;
    last = malloc(sizeof *last);
    if (!last)
        return NULL;
    last->packet_count = 0;
    last->data_size = 0;
    batches[capture->batch_count++] = last;
    return last;
}

static int add_packet(struct capture *capture, const struct pcap_pkthdr *header,
                      const uint8_t *bytes)
{
    struct batch *batch = room_for(capture, header->caplen);

    if (!batch)
        return -1;
    batch->packets[batch->packet_count++] = (struct filter_packet){
        .offset = batch->data_size,
        .caplen = header->caplen,
        .len = header->len,
    };
    memcpy(batch->data + batch->data_size, bytes, header->caplen);
    batch->data_size += header->caplen;
    capture->packet_count++;
    return 0;
}

static int read_packets(pcap_t *pcap, struct capture *capture, char *reason, size_t size)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int r;

    while ((r = pcap_next_ex(pcap, &header, &bytes)) == 1) {
        if (header->caplen > FILTER_PACKET_MAX) {
            snprintf(reason, size, "packet %u has %u bytes; the most is %u",
                     capture->packet_count + 1, header->caplen, FILTER_PACKET_MAX);
            return -1;
        }
        if (add_packet(capture, header, bytes) < 0) {
            snprintf(reason, size, "not enough memory");
            return -1;
        }
    }
    if (r != PCAP_ERROR_BREAK) {
        snprintf(reason, size, "%s", pcap_geterr(pcap));
        return -1;
    }
    if (capture->packet_count == 0) {
        snprintf(reason, size, "no packets");
        return -1;
    }
    return 0;
}

int capture_read(const char *path, struct capture *ret_capture, char *error)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    struct capture capture = {0};
    int r = -1;
    pcap_t *pcap = pcap_open_offline(path, reason);

    if (!pcap) {
        /* libpcap names the file itself if it cannot open it. */
        if (strstr(reason, path))
            snprintf(error, CAPTURE_ERROR_SIZE, "%s", reason);
        else
            snprintf(error, CAPTURE_ERROR_SIZE, "%s: %s", path, reason);
        return -1;
    }
    if (pcap_datalink(pcap) != DLT_EN10MB)
        snprintf(reason, sizeof reason, "a capture of %s; this sample reads Ethernet",
                 pcap_datalink_val_to_description_or_dlt(pcap_datalink(pcap)));
    else
        r = read_packets(pcap, &capture, reason, sizeof reason);
    pcap_close(pcap);

    if (r < 0) {
        snprintf(error, CAPTURE_ERROR_SIZE, "%s: %s", path, reason);
        capture_free(&capture);
        return r;
    }
    *ret_capture = capture;
    return 0;
}

void capture_free(struct capture *capture)
{
    for (uint32_t i = 0; i < capture->batch_count; i++)
        free(capture->batches[i]);
    free(capture->batches);
}

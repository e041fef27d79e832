// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint.h"

#include <checkpoint.pb-c.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "core/evidence_save.h"
#include "core/leak_save.h"
#include "sys/file.h"

#define MAGIC "podfitC1"

enum {
	VERSION = 1,
	MAGIC_LEN = 8,
	HEADER_LEN = MAGIC_LEN + 4,
	FILE_MAX = 512 << 20,
	RECORD_MAX = 1 << 20,
	HISTORIES_FIELD = 3,
	LEAKS_FIELD = 4,
	FEEDS_FIELD = 5,
	LENGTH_DELIMITED = 2,
};

struct pf_checkpoint_feeds {
	struct pf_map *by_instance; /* to struct pf_vpa_instance, malloc'd */
};

/* ---- saving: record after record, which together are one message ---- */

static int add_record(struct pf_buf *out, unsigned field, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t prefix[11];
	size_t n = 0;
	char *place;
	int r;

	prefix[n++] = (uint8_t)(field << 3 | LENGTH_DELIMITED);
	for (size_t rest = len; n == 1 || rest; rest >>= 7)
		prefix[n++] = (uint8_t)((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
	r = pf_buf_add(out, prefix, n);
	if (r == 0)
		r = pf_buf_reserve(out, len, &place);
	if (r == 0)
		pf_buf_wrote(out, protobuf_c_message_pack(message, (uint8_t *)place));
	return r;
}

/* The history as it would be if all hours ended now. */
static int gather(const struct pf_history *history, const struct pf_tracks *tracks,
		  struct pf_evidence **ret_evidence)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_track *track;
	int r = pf_history_evidence(history, &evidence);

	pf_tracks_for_each(tracks, cursor, track)
	{
		uint64_t id = pf_evidence_instance_id(track->instance);

		if (track->history != history)
			continue;
		for (uint32_t i = 0; r == 0 && i < track->slices.nr_closed; i++)
			if (!track->slices.remembered[i])
				r = pf_evidence_add_slice(evidence, id, track->slices.closed[i]);
		if (r == 0 && track->slices.open)
			r = pf_evidence_add_slice(evidence, id, track->slices.open);
	}
	if (r == 0)
		*ret_evidence = pf_take(evidence);
	return r;
}

static int save_histories(const struct pf_checkpoint_parts *parts, struct pf_buf *bytes,
			  struct pf_buf *out)
{
	struct pf_history *history;
	int r = 0;

	pf_histories_for_each(parts->histories, cursor, history)
	{
		PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
		Podfit__Checkpoint__V1__History record = PODFIT__CHECKPOINT__V1__HISTORY__INIT;

		pf_buf_reset(bytes);
		r = gather(history, parts->tracks, &evidence);
		if (r == 0)
			r = pf_evidence_save(evidence, bytes);
		if (r < 0)
			return r;
		record.key = history->key;
		record.has_evidence = 1;
		record.evidence = (ProtobufCBinaryData){ bytes->len, (uint8_t *)bytes->data };
		r = add_record(out, HISTORIES_FIELD, &record.base);
		if (r < 0)
			return r;
	}
	return r;
}

static int save_leaks(const struct pf_checkpoint_parts *parts, struct pf_buf *bytes,
		      struct pf_buf *out)
{
	const struct pf_leak_entry *entry;
	size_t cursor = 0;

	while ((entry = pf_leak_book_next(parts->leaks, &cursor)) != NULL) {
		Podfit__Checkpoint__V1__Leak record = PODFIT__CHECKPOINT__V1__LEAK__INIT;
		int r;

		pf_buf_reset(bytes);
		r = pf_leak_save(&entry->state, bytes);
		if (r < 0)
			return r;
		record.instance = (char *)entry->instance;
		record.key = (char *)entry->key;
		record.has_state = 1;
		record.state = (ProtobufCBinaryData){ bytes->len, (uint8_t *)bytes->data };
		r = add_record(out, LEAKS_FIELD, &record.base);
		if (r < 0)
			return r;
	}
	return 0;
}

static int save_feeds(const struct pf_checkpoint_parts *parts, struct pf_buf *out)
{
	struct pf_track *track;

	pf_tracks_for_each(parts->tracks, cursor, track)
	{
		const struct pf_vpa_instance *vpa = &track->feed.vpa;
		Podfit__Checkpoint__V1__Feed record = PODFIT__CHECKPOINT__V1__FEED__INIT;
		int r;

		if (track->ended_ns != PF_UNKNOWN)
			continue;
		record.instance = track->instance;
		record.has_last_cpu_unix_ns = record.has_last_memory_unix_ns = 1;
		record.has_interval_end_unix_ns = record.has_peak_bytes = 1;
		record.has_oom_peak_bytes = 1;
		record.last_cpu_unix_ns = vpa->last_cpu_ns;
		record.last_memory_unix_ns = vpa->last_memory_ns;
		record.interval_end_unix_ns = vpa->interval_end_ns;
		record.peak_bytes = vpa->peak_bytes;
		record.oom_peak_bytes = vpa->oom_peak_bytes;
		r = add_record(out, FEEDS_FIELD, &record.base);
		if (r < 0)
			return r;
	}
	return 0;
}

static int encode(const struct pf_checkpoint_parts *parts, struct pf_buf *out)
{
	Podfit__Checkpoint__V1__Checkpoint head = PODFIT__CHECKPOINT__V1__CHECKPOINT__INIT;
	struct pf_buf bytes;
	size_t len;
	char *place;
	int r = pf_buf_add(out, MAGIC "\0\0\0\0", HEADER_LEN);

	pf_buf_init(&bytes, RECORD_MAX);
	head.has_version = 1;
	head.version = VERSION;
	head.has_written_unix_ns = 1;
	head.written_unix_ns = (uint64_t)parts->now_unix_ns;
	len = protobuf_c_message_get_packed_size(&head.base);
	if (r == 0)
		r = pf_buf_reserve(out, len, &place);
	if (r == 0)
		pf_buf_wrote(out, protobuf_c_message_pack(&head.base, (uint8_t *)place));
	if (r == 0)
		r = save_histories(parts, &bytes, out);
	if (r == 0)
		r = save_leaks(parts, &bytes, out);
	if (r == 0)
		r = save_feeds(parts, out);
	pf_buf_done(&bytes);
	return r;
}

static uint32_t checksum(const struct pf_buf *file)
{
	return (uint32_t)crc32(0, (const Bytef *)file->data + HEADER_LEN,
			       (uInt)(file->len - HEADER_LEN));
}

static int open_directory(const struct pf_sys *sys, const char *directory)
{
	int fd = sys->openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int pf_checkpoint_save(const struct pf_sys *sys, const char *directory,
		       const struct pf_checkpoint_parts *parts)
{
	struct pf_buf file;
	uint32_t crc;
	int r, fd;

	pf_buf_init(&file, FILE_MAX);
	r = encode(parts, &file);
	if (r == 0) {
		crc = checksum(&file);
		for (size_t i = 0; i < 4; i++)
			file.data[MAGIC_LEN + i] = (char)(crc >> (8 * i));
		r = fd = open_directory(sys, directory);
		if (fd >= 0) {
			r = pf_file_write_atomic(sys, fd, PF_CHECKPOINT_FILE, file.data, file.len,
						 0600);
			(void)sys->close(fd); /* read only */
		}
	}
	pf_buf_done(&file);
	return r;
}

/* ---- loading: everything is checked before anything is taken ---- */

void pf_checkpoint_feeds_free(struct pf_checkpoint_feeds *feeds)
{
	struct pf_vpa_instance *instance;

	if (!feeds)
		return;
	if (feeds->by_instance)
		pf_map_for_each(feeds->by_instance, cursor, instance)
			free(instance);
	pf_map_free(feeds->by_instance);
	free(feeds);
}

/* After a clock that was set back the instance would refuse all samples until it has caught up. */
static bool from_the_future(const Podfit__Checkpoint__V1__Feed *feed, int64_t now_unix_ns)
{
	return feed->last_cpu_unix_ns > now_unix_ns || feed->last_memory_unix_ns > now_unix_ns;
}

static int load_feeds(const Podfit__Checkpoint__V1__Checkpoint *from, int64_t now_unix_ns,
		      struct pf_checkpoint_feeds **ret_feeds)
{
	struct pf_checkpoint_feeds *feeds = calloc(1, sizeof(*feeds));
	int r = feeds ? pf_map_new_str(from->n_feeds + 1, &feeds->by_instance) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < from->n_feeds; i++) {
		const Podfit__Checkpoint__V1__Feed *feed = from->feeds[i];
		struct pf_vpa_instance *instance;

		if (!feed->instance || from_the_future(feed, now_unix_ns) ||
		    pf_map_get_str(feeds->by_instance, feed->instance))
			continue;
		instance = malloc(sizeof(*instance));
		if (!instance) {
			r = -ENOMEM;
			break;
		}
		*instance =
			(struct pf_vpa_instance){ feed->last_cpu_unix_ns, feed->last_memory_unix_ns,
						  feed->interval_end_unix_ns, feed->peak_bytes,
						  feed->oom_peak_bytes };
		r = pf_map_put_str(feeds->by_instance, feed->instance, instance);
		if (r < 0)
			free(instance);
	}
	if (r < 0) {
		pf_checkpoint_feeds_free(feeds);
		return r;
	}
	*ret_feeds = feeds;
	return 0;
}

static int load_history(const Podfit__Checkpoint__V1__History *record,
			const struct pf_checkpoint_parts *parts, bool take)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	struct pf_history *history;
	int r;

	if (!record->key || !record->has_evidence || strlen(record->key) >= PF_HISTORY_KEY_MAX)
		return -EBADMSG;
	r = pf_evidence_load(record->evidence.data, record->evidence.len, &evidence);
	if (r < 0 || !take)
		return r;
	pf_evidence_rebase(evidence, parts->now_unix_ns);
	r = pf_histories_get(parts->histories, record->key, parts->now_ns, &history);
	if (r == -ENOSPC)
		return 0; /* smaller tables than before: counted there */
	return r == 0 && !history->packed.size ? pf_history_set(history, evidence) : r;
}

static int load_leak(const Podfit__Checkpoint__V1__Leak *record,
		     const struct pf_checkpoint_parts *parts, bool take)
{
	PF_AUTO(pf_freep) struct pf_leak_state *state = malloc(sizeof(*state));
	int r;

	if (!state)
		return -ENOMEM;
	if (!record->instance || !record->key || !record->has_state)
		return -EBADMSG;
	r = pf_leak_load(record->state.data, record->state.len, state);
	if (r < 0 || !take)
		return r;
	r = pf_leak_book_restore(parts->leaks, record->instance, record->key, state,
				 (uint64_t)parts->now_unix_ns);
	return r == -ENOSPC ? 0 : r;
}

static int load_parts(const Podfit__Checkpoint__V1__Checkpoint *from,
		      const struct pf_checkpoint_parts *parts, bool take)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->n_histories; i++)
		r = load_history(from->histories[i], parts, take);
	for (size_t i = 0; r == 0 && i < from->n_leaks; i++)
		r = load_leak(from->leaks[i], parts, take);
	return r;
}

static int check_header(const struct pf_buf *file)
{
	uint32_t crc = 0;

	if (file->len < HEADER_LEN || memcmp(file->data, MAGIC, MAGIC_LEN))
		return -EBADMSG;
	for (size_t i = 0; i < 4; i++)
		crc |= (uint32_t)(unsigned char)file->data[MAGIC_LEN + i] << (8 * i);
	return crc == checksum(file) ? 0 : -EBADMSG;
}

static int decode(const struct pf_buf *file, const struct pf_checkpoint_parts *parts,
		  struct pf_checkpoint_feeds **ret_feeds)
{
	Podfit__Checkpoint__V1__Checkpoint *message;
	struct pf_checkpoint_feeds *feeds = NULL;
	int r = check_header(file);

	if (r < 0)
		return r;
	message = podfit__checkpoint__v1__checkpoint__unpack(
		NULL, file->len - HEADER_LEN, (const uint8_t *)file->data + HEADER_LEN);
	if (!message)
		return -EBADMSG;
	r = message->version == VERSION ? load_parts(message, parts, false) : -EOPNOTSUPP;
	if (r == 0)
		r = load_feeds(message, parts->now_unix_ns, &feeds);
	if (r == 0)
		r = load_parts(message, parts, true);
	if (r == 0) {
		r = (int)message->n_histories;
		*ret_feeds = pf_take(feeds);
	}
	pf_checkpoint_feeds_free(feeds);
	podfit__checkpoint__v1__checkpoint__free_unpacked(message, NULL);
	return r;
}

int pf_checkpoint_load(const struct pf_sys *sys, const char *directory,
		       const struct pf_checkpoint_parts *parts,
		       struct pf_checkpoint_feeds **ret_feeds, char *error, size_t error_size)
{
	int fd = open_directory(sys, directory), r = fd;
	struct pf_buf file;

	pf_buf_init(&file, FILE_MAX);
	if (fd >= 0)
		r = pf_file_read(sys, fd, PF_CHECKPOINT_FILE, &file);
	if (r == 0)
		r = decode(&file, parts, ret_feeds);
	if (r == -EBADMSG || r == -EOPNOTSUPP) {
		(void)snprintf(error, error_size, "%s/%s is %s: set aside as %s", directory,
			       PF_CHECKPOINT_FILE, r == -EBADMSG ? "damaged" : "of another version",
			       PF_CHECKPOINT_DAMAGED);
		if (sys->renameat(fd, PF_CHECKPOINT_FILE, fd, PF_CHECKPOINT_DAMAGED) < 0)
			(void)snprintf(error, error_size, "%s/%s is damaged: %s", directory,
				       PF_CHECKPOINT_FILE, strerror(errno));
		r = -EBADMSG;
	} else if (r < 0) {
		(void)snprintf(error, error_size, "%s/%s: %s", directory, PF_CHECKPOINT_FILE,
			       strerror(-r));
	}
	if (fd >= 0)
		(void)sys->close(fd); /* read only */
	pf_buf_done(&file);
	return r;
}

void pf_checkpoint_feed(const struct pf_checkpoint_feeds *feeds, struct pf_track *track)
{
	const struct pf_vpa_instance *instance =
		feeds ? pf_map_get_str(feeds->by_instance, track->instance) : NULL;

	if (instance)
		track->feed.vpa = *instance;
}

#include "evtx-make.h"

#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <base/strbuf.h>

#define MAX_VALUES     40
#define FILETIME_EPOCH UINT64_C (116444736000000000)

enum value_type {
  VALUE_STRING = 0x01,
  VALUE_U16 = 0x06,
  VALUE_U32 = 0x08,
  VALUE_U64 = 0x0a,
  VALUE_FILETIME = 0x11,
  VALUE_HEX64 = 0x15
};

struct value {
  enum value_type type;
  struct strbuf bytes;
};

struct maker {
  unsigned char chunk[EVTX_CHUNK];
  size_t at; /* where the next byte of the chunk goes */
  struct value values[MAX_VALUES];
  size_t n_values;
};

/* --- bytes --- */

static void
set (unsigned char *at, uint64_t number, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++, number >>= 8)
    at[i] = (unsigned char)number;
}

static void
put (struct maker *m, uint64_t number, size_t bytes)
{
  set (m->chunk + m->at, number, bytes);
  m->at += bytes;
}

static void
put_wide (struct maker *m, const char *text)
{
  for (; *text; text++)
    put (m, (unsigned char)*text, 2);
}

static uint32_t
crc32_more (uint32_t crc, const unsigned char *bytes, size_t len)
{
  crc = ~crc;
  for (size_t i = 0; i < len; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* --- binary XML --- */

/* A name by its offset, and there it stands at once. */
static void
put_name (struct maker *m, const char *name)
{
  uint32_t hash = 0;

  for (const char *p = name; *p; p++)
    hash = hash * 65599 + (unsigned char)*p;
  put (m, m->at + 4, 4);
  put (m, 0, 4);
  put (m, hash & 0xffff, 2);
  put (m, strlen (name), 2);
  put_wide (m, name);
  put (m, 0, 2);
}

static void
put_text (struct maker *m, const char *text)
{
  put (m, 0x05, 1);
  put (m, VALUE_STRING, 1);
  put (m, strlen (text), 2);
  put_wide (m, text);
}

static void
put_value (struct maker *m, enum value_type type, const void *bytes, size_t len)
{
  struct value *value = &m->values[m->n_values];

  value->type = type;
  strbuf_reset (&value->bytes);
  strbuf_add (&value->bytes, bytes, len);
  put (m, 0x0d, 1);
  put (m, m->n_values++, 2);
  put (m, type, 1);
}

static void
put_number (struct maker *m, enum value_type type, uint64_t number,
            size_t bytes)
{
  unsigned char raw[8];

  set (raw, number, bytes);
  put_value (m, type, raw, bytes);
}

static void
put_string (struct maker *m, const char *text)
{
  CLEANUP_STRBUF struct strbuf wide = STRBUF_EMPTY;

  for (; *text; text++) {
    strbuf_addch (&wide, *text);
    strbuf_addch (&wide, '\0');
  }
  put_value (m, VALUE_STRING, wide.len ? wide.buf : "", wide.len);
}

/* The place of an element's size, for close_element. */
static size_t
open_element (struct maker *m, const char *name, bool attributes)
{
  size_t size_at;

  put (m, attributes ? 0x41 : 0x01, 1);
  put (m, 0xffff, 2);
  size_at = m->at;
  put (m, 0, 4);
  put_name (m, name);
  return size_at;
}

static void
close_element (struct maker *m, size_t size_at, unsigned token)
{
  put (m, token, 1);
  set (m->chunk + size_at, m->at - size_at - 4, 4);
}

static size_t
open_attribute (struct maker *m, const char *name)
{
  size_t size_at = m->at;

  put (m, 0, 4);
  put (m, 0x06, 1);
  put_name (m, name);
  return size_at;
}

static void
close_attribute (struct maker *m, size_t size_at)
{
  set (m->chunk + size_at, m->at - size_at - 4, 4);
}

static void
put_number_element (struct maker *m, const char *name, enum value_type type,
                    uint64_t number, size_t bytes)
{
  size_t element = open_element (m, name, false);

  put (m, 0x02, 1);
  put_number (m, type, number, bytes);
  close_element (m, element, 0x04);
}

static void
put_text_element (struct maker *m, const char *name, const char *text)
{
  size_t element = open_element (m, name, false);

  put (m, 0x02, 1);
  put_text (m, text);
  close_element (m, element, 0x04);
}

static void
put_system (struct maker *m, const json_t *event, uint64_t filetime,
            uint64_t record)
{
  size_t system = open_element (m, "System", false), element, attribute;

  put (m, 0x02, 1);
  element = open_element (m, "Provider", true);
  attribute = open_attribute (m, "Name");
  put_text (m, json_str (event, "provider", "?"));
  close_attribute (m, attribute);
  close_element (m, element, 0x03);
  put_number_element (m, "EventID", VALUE_U16,
                      (uint64_t)json_int (event, "id", 0), 2);
  element = open_element (m, "TimeCreated", true);
  attribute = open_attribute (m, "SystemTime");
  put_number (m, VALUE_FILETIME, filetime, 8);
  close_attribute (m, attribute);
  close_element (m, element, 0x03);
  put_number_element (m, "EventRecordID", VALUE_U64, record, 8);
  put_text_element (m, "Channel", "System");
  put_text_element (m, "Computer", "VM-1");
  close_element (m, system, 0x04);
}

static void
put_datum (struct maker *m, const json_t *row)
{
  const char *name = json_string_value (json_array_get (row, 0));
  const char *type = json_string_value (json_array_get (row, 1));
  const char *text = json_string_value (json_array_get (row, 2));
  size_t element = open_element (m, "Data", *name != '\0');

  /* those of old programs have no name */
  if (*name) {
    size_t attribute = open_attribute (m, "Name");

    put_text (m, name);
    close_attribute (m, attribute);
  }
  put (m, 0x02, 1);
  if (strcmp (type, "u32") == 0)
    put_number (m, VALUE_U32, strtoull (text, NULL, 0), 4);
  else if (strcmp (type, "hex64") == 0)
    put_number (m, VALUE_HEX64, strtoull (text, NULL, 0), 8);
  else if (strcmp (type, "filetime") == 0)
    put_number (m, VALUE_FILETIME, strtoull (text, NULL, 0), 8);
  else
    put_string (m, text);
  close_element (m, element, 0x04);
}

static void
put_event (struct maker *m, const json_t *event, uint64_t filetime,
           uint64_t record)
{
  size_t root = open_element (m, "Event", true), attribute, data;
  json_t *row;
  size_t i;

  attribute = open_attribute (m, "xmlns");
  put_text (m, "http://schemas.microsoft.com/win/2004/08/events/event");
  close_attribute (m, attribute);
  put (m, 0x02, 1);
  put_system (m, event, filetime, record);
  data = open_element (m, "EventData", false);
  put (m, 0x02, 1);
  json_array_foreach (json_object_get (event, "data"), i, row)
  {
    put_datum (m, row);
  }
  close_element (m, data, 0x04);
  close_element (m, root, 0x04);
}

/* --- records and chunks --- */

static uint64_t
filetime_of (const json_t *event)
{
  int64_t ms = json_int (event, "when", 0);
  const char *text = json_str (event, "when", NULL);

  if (text)
    (void)!time_parse_ms (text, &ms);
  return (uint64_t)ms * 10000 + FILETIME_EPOCH;
}

/* A template of its own, and its instance. */
static void
put_record (struct maker *m, const json_t *event, uint64_t record)
{
  size_t start = m->at, size_at;
  uint64_t filetime = filetime_of (event);

  m->n_values = 0;
  put (m, 0x00002a2a, 4);
  put (m, 0, 4);
  put (m, record, 8);
  put (m, filetime, 8);
  put (m, 0x0001010f, 4);
  put (m, 0x0c, 1);
  put (m, 0x01, 1);
  put (m, 0x1000 + record, 4);
  put (m, m->at + 4, 4);
  put (m, 0, 4);
  put (m, 0x1000 + record, 4); /* the identifier begins with it */
  put (m, UINT64_C (0x4f2c11d3), 8);
  put (m, 0, 4);
  size_at = m->at;
  put (m, 0, 4);
  put (m, 0x0001010f, 4);
  put_event (m, event, filetime, record);
  put (m, 0, 1);
  set (m->chunk + size_at, m->at - size_at - 4, 4);
  put (m, m->n_values, 4);
  for (size_t i = 0; i < m->n_values; i++) {
    put (m, m->values[i].bytes.len, 2);
    put (m, m->values[i].type, 2);
  }
  for (size_t i = 0; i < m->n_values; i++)
    for (size_t j = 0; j < m->values[i].bytes.len; j++)
      put (m, (unsigned char)m->values[i].bytes.buf[j], 1);
  put (m, 0, 1);
  m->at = (m->at + 4 + 7) / 8 * 8 - 4; /* the size comes again, aligned */
  put (m, m->at + 4 - start, 4);
  set (m->chunk + start + 4, m->at - start, 4);
}

/* As many of the events as fit; returns how many. */
static size_t
make_chunk (struct maker *m, const json_t *events, size_t from, uint64_t first)
{
  size_t n = 0, last = 512;

  memset (m->chunk, 0, sizeof m->chunk);
  m->at = 512;
  /* an event takes less than 8 KiB */
  for (; from + n < json_array_size (events) && m->at < EVTX_CHUNK - 8192;
       n++) {
    last = m->at;
    put_record (m, json_array_get (events, from + n), first + from + n);
  }
  memcpy (m->chunk, "ElfChnk", 8);
  set (m->chunk + 8, first + from, 8);
  set (m->chunk + 16, first + from + n - 1, 8);
  set (m->chunk + 24, first + from, 8);
  set (m->chunk + 32, first + from + n - 1, 8);
  set (m->chunk + 40, 128, 4);
  set (m->chunk + 44, last, 4);
  set (m->chunk + 48, m->at, 4);
  return n;
}

void
evtx_seal (struct evtx_bytes *log)
{
  set (log->ptr + 124, crc32_more (0, log->ptr, 120), 4);
  for (size_t at = EVTX_HEADER; at + EVTX_CHUNK <= log->len; at += EVTX_CHUNK) {
    unsigned char *chunk = log->ptr + at;
    size_t end = chunk[48] | (size_t)chunk[49] << 8;

    set (chunk + 52, crc32_more (0, chunk + 512, end > 512 ? end - 512 : 0), 4);
    set (chunk + 124,
         crc32_more (crc32_more (0, chunk, 120), chunk + 128, 512 - 128), 4);
  }
}

struct evtx_bytes
evtx_make (const json_t *events, uint64_t first)
{
  struct maker *m = xcalloc (1, sizeof *m);
  struct evtx_bytes log = {xcalloc (1, EVTX_HEADER), EVTX_HEADER};
  size_t done = 0, chunks = 0;

  for (; done < json_array_size (events); chunks++) {
    done += make_chunk (m, events, done, first);
    log.ptr = xrealloc (log.ptr, log.len + EVTX_CHUNK, 1);
    memcpy (log.ptr + log.len, m->chunk, EVTX_CHUNK);
    log.len += EVTX_CHUNK;
  }
  memcpy (log.ptr, "ElfFile", 8);
  set (log.ptr + 16, chunks ? chunks - 1 : 0, 8);
  set (log.ptr + 24, first + done, 8);
  set (log.ptr + 32, 128, 4);
  set (log.ptr + 36, 1, 2);
  set (log.ptr + 38, 3, 2);
  set (log.ptr + 40, EVTX_HEADER, 2);
  set (log.ptr + 42, chunks, 2);
  evtx_seal (&log);
  for (size_t i = 0; i < MAX_VALUES; i++)
    strbuf_release (&m->values[i].bytes);
  free (m);
  return log;
}

#include "fve-wire.h"

#include <stddef.h>
#include <string.h>

#include <base/secret.h>
#include <base/text.h>

enum wire_kind {
  NUMBER, /* of 4 or 8 bytes, up to `max` if that is not 0 */
  FLAG,   /* bool */
  BYTES   /* hex */
};

struct wire_field {
  const char *name;
  enum wire_kind kind;
  size_t offset, size;
  uint64_t max;
};

#define FIELD(type, member, kind, max)                                         \
  {                                                                            \
#member, kind, offsetof(struct type, member),                              \
        sizeof(((struct type *)0)->member), max                                \
  }

static const struct wire_field header_fields[] = {
    FIELD (fve_header, kind, NUMBER, FVE_OTHER),
    FIELD (fve_header, sector_bytes, NUMBER, 4096),
    FIELD (fve_header, blocks[0], NUMBER, 0),
    FIELD (fve_header, blocks[1], NUMBER, 0),
    FIELD (fve_header, blocks[2], NUMBER, 0),
    {NULL},
};

static const struct wire_field fve_fields[] = {
    FIELD (fve, version, NUMBER, 0),
    FIELD (fve, current, NUMBER, 0),
    FIELD (fve, next, NUMBER, 0),
    FIELD (fve, state, NUMBER, FVE_STATE_UNKNOWN),
    FIELD (fve, method, NUMBER, 0),
    FIELD (fve, guid, BYTES, 0),
    FIELD (fve, volume_bytes, NUMBER, 0),
    FIELD (fve, created, NUMBER, 0),
    FIELD (fve, boot_offset, NUMBER, 0),
    FIELD (fve, boot_bytes, NUMBER, 0),
    FIELD (fve, new_entries, NUMBER, 0),
    {NULL},
};

static const struct wire_field protector_fields[] = {
    FIELD (fve_protector, guid, BYTES, 0),
    FIELD (fve_protector, type, NUMBER, 0),
    FIELD (fve_protector, changed, NUMBER, 0),
    FIELD (fve_protector, has_salt, FLAG, 0),
    FIELD (fve_protector, salt, BYTES, 0),
    FIELD (fve_protector, clear_key, BYTES, 0),
    FIELD (fve_protector, has_clear_key, FLAG, 0),
    {NULL},
};

static const struct wire_field sealed_fields[] = {
    FIELD (fve_sealed, nonce, BYTES, 0),
    FIELD (fve_sealed, tag, BYTES, 0),
    FIELD (fve_sealed, data, BYTES, 0),
    FIELD (fve_sealed, len, NUMBER, sizeof (((struct fve_sealed *)0)->data)),
    {NULL},
};

/* --- there --- */

static uint64_t
number_at (const void *at, size_t size)
{
  uint32_t small;
  uint64_t number;

  if (size == sizeof number) {
    memcpy (&number, at, size);
    return number;
  }
  memcpy (&small, at, sizeof small);
  return small;
}

static json_t *
to_wire (const struct wire_field *fields, const void *from)
{
  json_t *json = json_object ();

  for (const struct wire_field *f = fields; f->name; f++) {
    const char *at = (const char *)from + f->offset;

    if (f->kind == FLAG)
      json_put_bool (json, f->name, *(const bool *)at);
    else if (f->kind == NUMBER)
      json_put_int (json, f->name, (int64_t)number_at (at, f->size));
    else {
      char *hex = hex_encode (at, f->size);

      json_put_str (json, f->name, hex);
      wipe (hex, strlen (hex));
      free (hex);
    }
  }
  return json;
}

json_t *
fve_header_to_wire (const struct fve_header *header)
{
  return to_wire (header_fields, header);
}

json_t *
fve_to_wire (const struct fve *fve)
{
  json_t *json = to_wire (fve_fields, fve), *list = json_array ();

  json_put (json, "header", fve_header_to_wire (&fve->header));
  json_put_str (json, "description", fve->description);
  for (size_t i = 0; i < fve->n_protectors; i++) {
    json_t *one = to_wire (protector_fields, &fve->protectors[i]);

    json_put (one, "master",
              to_wire (sealed_fields, &fve->protectors[i].master));
    json_array_append_new (list, one);
  }
  json_put (json, "protectors", list);
  json_put (json, "volume_key", to_wire (sealed_fields, &fve->volume_key));
  return json;
}

/* --- and back --- */

static int
take_number (const struct wire_field *f, const json_t *value, void *at)
{
  uint64_t number = (uint64_t)json_integer_value (value);
  uint32_t small = (uint32_t)number;

  if (!json_is_integer (value) || (f->max && number > f->max) ||
      (f->size == sizeof small && number > UINT32_MAX))
    return -1;
  if (f->size == sizeof small)
    memcpy (at, &small, sizeof small);
  else
    memcpy (at, &number, sizeof number);
  return 0;
}

static int
take_bytes (const struct wire_field *f, const json_t *value, void *at)
{
  const char *hex = json_string_value (value);
  unsigned char *bytes;
  size_t len;
  int r;

  if (hex == NULL || hex_decode (hex, &bytes, &len) == -1)
    return -1;
  r = len == f->size ? 0 : -1;
  if (r == 0)
    memcpy (at, bytes, len);
  wipe (bytes, len);
  free (bytes);
  return r;
}

static int
from_wire (const struct wire_field *fields, const json_t *json, void *to,
           struct err **err)
{
  for (const struct wire_field *f = fields; f->name; f++) {
    const json_t *value = json_object_get (json, f->name);
    char *at = (char *)to + f->offset;
    int r = 0;

    if (f->kind == FLAG)
      *(bool *)at = json_is_true (value);
    else if (f->kind == NUMBER)
      r = take_number (f, value, at);
    else
      r = take_bytes (f, value, at);
    if (r == -1)
      return err_set (err, ERR_INPUT, "parsed metadata: %s makes no sense",
                      f->name);
  }
  return 0;
}

int
fve_header_from_wire (const json_t *json, struct fve_header *header,
                      struct err **err)
{
  memset (header, 0, sizeof *header);
  if (from_wire (header_fields, json, header, err) == -1)
    return -1;
  /* of those nothing else is known */
  if (header->kind == FVE_VISTA || header->kind == FVE_OTHER)
    return 0;
  if (header->sector_bytes != 512 && header->sector_bytes != 4096)
    return err_set (err, ERR_INPUT, "parsed metadata: sectors of %u bytes",
                    header->sector_bytes);
  for (size_t i = 0; i < FVE_BLOCKS; i++)
    if (header->blocks[i] == 0 || header->blocks[i] > INT64_MAX / 2)
      return err_set (err, ERR_INPUT, "parsed metadata: block %zu is nowhere",
                      i + 1);
  return 0;
}

static int
take_protectors (const json_t *list, struct fve *fve, struct err **err)
{
  size_t n = json_array_size (list);

  if (!json_is_array (list) || n > FVE_MAX_PROTECTORS)
    return err_set (err, ERR_INPUT, "parsed metadata: %zu protectors", n);
  for (; fve->n_protectors < n; fve->n_protectors++) {
    struct fve_protector *p = &fve->protectors[fve->n_protectors];
    const json_t *one = json_array_get (list, fve->n_protectors);

    if (from_wire (protector_fields, one, p, err) == -1 ||
        from_wire (sealed_fields, json_object_get (one, "master"), &p->master,
                   err) == -1)
      return -1;
  }
  return 0;
}

int
fve_from_wire (const json_t *json, struct fve *fve, struct err **err)
{
  const char *description = json_str (json, "description", NULL);

  memset (fve, 0, sizeof *fve);
  if (from_wire (fve_fields, json, fve, err) == -1 ||
      fve_header_from_wire (json_object_get (json, "header"), &fve->header,
                            err) == -1 ||
      take_protectors (json_object_get (json, "protectors"), fve, err) == -1 ||
      from_wire (sealed_fields, json_object_get (json, "volume_key"),
                 &fve->volume_key, err) == -1)
    return -1;
  if (description)
    fve->description = text_printable (description);
  return 0;
}

#include "encryption.h"

#include <string.h>

#include <bitlocker/fve-wire.h>

#include "disk.h"
#include "guest-parse.h"
#include "refuse.h"

void
encryption_free (struct encryption *e)
{
  if (e == NULL)
    return;
  if (e->fve)
    fve_release (e->fve);
  free (e->fve);
  free (e->opened_by);
  free (e->why);
  free (e);
}

void
encryption_close (struct encryption *e, const char *refusal, char *why_taken)
{
  free (e->why);
  e->refusal = refusal;
  e->why = why_taken;
}

/* Where the metadata is, from the first bytes of the volume. */
static int
read_header (struct disk *disk, const unsigned char *bytes, size_t len,
             struct fve_header *header, struct err **err)
{
  CLEANUP_PARSE struct parse parse = {0};

  guest_parse_init (disk, &parser_bitlocker_header, &parse);
  if (parse_add_bytes (&parse, bytes,
                       len < FVE_HEADER_BYTES ? len : FVE_HEADER_BYTES,
                       err) == -1 ||
      guest_parse_run (disk, &parse, err) == -1)
    return -1;
  return fve_header_from_wire (parse.result, header, err);
}

/* The header and, after it, the three blocks; one that is not on the volume is
 * an empty one. */
static int
add_blocks (struct disk *disk, const struct volume *volume,
            const unsigned char *bytes, size_t len,
            const struct fve_header *header, struct parse *parse,
            struct err **err)
{
  if (parse_add_bytes (parse, bytes,
                       len < FVE_HEADER_BYTES ? len : FVE_HEADER_BYTES,
                       err) == -1)
    return -1;
  for (size_t i = 0; i < FVE_BLOCKS; i++) {
    CLEANUP_ERR struct err *why = NULL;
    size_t got = 0;
    CLEANUP_FREE char *block =
        guestfs_pread_device (disk->g, volume->device, FVE_BLOCK_BYTES,
                              (int64_t)header->blocks[i], &got);

    if (block == NULL) {
      disk_guest_error (disk, &why, "%s: metadata", volume->name);
      if (why->code == ERR_TRANSIENT)
        return err_move (err, TAKE (why));
    }
    if (parse_add_bytes (parse, block, block ? got : 0, err) == -1)
      return -1;
  }
  return 0;
}

/* The first block that can be read; the others are copies of it. */
static int
read_metadata (struct disk *disk, const struct volume *volume,
               const unsigned char *bytes, size_t len, struct fve *fve,
               struct err **err)
{
  CLEANUP_PARSE struct parse parse = {0};
  struct fve_header header;

  memset (fve, 0, sizeof *fve);
  guest_parse_init (disk, &parser_bitlocker, &parse);
  if (read_header (disk, bytes, len, &header, err) == -1 ||
      add_blocks (disk, volume, bytes, len, &header, &parse, err) == -1 ||
      guest_parse_run (disk, &parse, err) == -1 ||
      fve_from_wire (json_object_get (parse.result, "fve"), fve, err) == -1)
    return -1;
  if (json_int (parse.result, "block", 0) > 0)
    disk_note (disk,
               "%s: BitLocker metadata block 1 is damaged (%s); a copy "
               "of it is used",
               volume->name, json_str (parse.result, "damage", "unreadable"));
  return 0;
}

static int
look_at_bitlocker (struct disk *disk, const struct volume *volume,
                   const unsigned char *bytes, size_t len, struct err **err)
{
  struct encryption *e = volume->encryption;
  const char *hindrance;
  char *why = NULL;

  e->fve = xcalloc (1, sizeof *e->fve);
  if (read_metadata (disk, volume, bytes, len, e->fve, err) == -1) {
    fve_release (e->fve);
    free (TAKE (e->fve));
    return -1;
  }
  hindrance = fve_hindrance (e->fve, &why);
  if (hindrance)
    encryption_close (e,
                      strcmp (hindrance, REFUSE_HALF_ENCRYPTED) == 0
                          ? REFUSE_HALF_ENCRYPTED
                          : REFUSE_UNKNOWN_ENCRYPTION,
                      why);
  return 0;
}

int
encryption_look (struct disk *disk, struct volume *volume, struct err **err)
{
  CLEANUP_FREE unsigned char *bytes = NULL;
  CLEANUP_ERR struct err *why = NULL;
  size_t len;
  int r;

  volume->encryption = xcalloc (1, sizeof *volume->encryption);
  bytes = (unsigned char *)guestfs_pread_device (disk->g, volume->device,
                                                 LUKS_HEADER_BYTES, 0, &len);
  if (bytes == NULL)
    r = disk_guest_error (disk, &why, "%s", volume->name);
  else if (volume->kind == VOLUME_BITLOCKER)
    r = look_at_bitlocker (disk, volume, bytes, len, &why);
  else
    r = luks_parse (bytes, len, &volume->encryption->luks, &why);
  if (r == -1 && why->code == ERR_TRANSIENT)
    return err_move (err, TAKE (why));
  if (r == -1) {
    volume->encryption->luks.version = 0;
    encryption_close (volume->encryption, REFUSE_UNKNOWN_ENCRYPTION,
                      xstrdup (why->msg));
  }
  return 0;
}

json_t *
encryption_to_json (const struct encryption *e)
{
  json_t *json = e->fve            ? fve_to_json (e->fve)
                 : e->luks.version ? luks_to_json (&e->luks)
                                   : json_object ();

  json_put_bool (json, "unlocked", e->unlocked);
  json_put_str (json, "opened_by", e->opened_by);
  if (!e->unlocked) {
    json_put_str (json, "refusal", e->refusal);
    json_put_str (json, "why", e->why);
  }
  return json;
}

static json_t *
wanted_protectors (const struct fve *fve)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < fve->n_protectors; i++) {
    const struct fve_protector *p = &fve->protectors[i];
    char guid[GUID_TEXT];

    if (!fve_protector_can_open (p->type) || p->type == FVE_CLEAR_KEY)
      continue;
    guid_to_text (p->guid, guid);
    json_array_append_new (list, json_make ("{s:s, s:s}", "guid", guid, "type",
                                            fve_protector_name (p->type)));
  }
  return list;
}

json_t *
encryption_wanted (const struct volume *volume)
{
  const struct encryption *e = volume->encryption;
  json_t *json = json_make ("{s:s, s:s}", "volume", volume->name, "encryption",
                            volume_kinds[volume->kind].name);

  if (e->fve) {
    char guid[GUID_TEXT];

    guid_to_text (e->fve->guid, guid);
    json_put_str (json, "id", guid);
    json_put_str (json, "description", e->fve->description);
    json_put (json, "protectors", wanted_protectors (e->fve));
  } else {
    json_put_str (json, "id", e->luks.uuid);
    json_put (json, "protectors",
              json_make ("[{s:s, s:s}]", "guid", e->luks.uuid, "type",
                         "passphrase"));
  }
  return json;
}

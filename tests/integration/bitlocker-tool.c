/* BitLocker volumes in images, for tests: made, looked at, damaged.
 *
 *   bitlocker-tool make FILE AT BYTES METHOD TYPE...
 *       a volume with the keys of make-fve.h; METHOD and TYPE as in fve.h, in
 *       hex (800 = recovery password)
 *   bitlocker-tool show FILE AT           what is read without a key
 *   bitlocker-tool table FILE AT BYTES KEY DEVICE
 *       the device-mapper table; KEY: a text, @FILE, or "clear"
 *   bitlocker-tool state FILE AT CURRENT NEXT
 *   bitlocker-tool damage FILE AT N       metadata block N (from 1)
 *   bitlocker-tool version FILE AT N      of the metadata
 *   bitlocker-tool new-entry FILE AT      an entry in each protector that no
 *                                         release known here has written
 *
 * AT: where the volume starts in the file, in bytes.  Its keys are no secrets,
 * so they may be in the command line. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <bitlocker/mapping.h>
#include <bitlocker/make-fve.h>
#include <bitlocker/unlock.h>

struct volume {
  int fd;
  off_t at;
  struct fve_header header;
  struct fve fve;
  unsigned char block[FVE_BLOCK_BYTES];
};

static int
fail (const char *what, struct err *err_taken)
{
  fprintf (stderr, "bitlocker-tool: %s: %s\n", what,
           err_taken ? err_taken->msg : "failed");
  err_free (err_taken);
  return 1;
}

static bool
read_volume (struct volume *v, struct err **err)
{
  unsigned char first[FVE_HEADER_BYTES];

  return pread (v->fd, first, sizeof first, v->at) == sizeof first &&
         fve_header_parse (first, sizeof first, &v->header, err) == 0 &&
         pread (v->fd, v->block, sizeof v->block,
                v->at + (off_t)v->header.blocks[0]) == sizeof v->block;
}

static bool
write_blocks (const struct volume *v)
{
  for (size_t i = 0; i < FVE_BLOCKS; i++)
    if (pwrite (v->fd, v->block, sizeof v->block,
                v->at + (off_t)v->header.blocks[i]) != sizeof v->block)
      return false;
  return true;
}

static unsigned
hex (const char *text)
{
  return (unsigned)strtoul (text, NULL, 16);
}

static int
make (struct volume *v, char **args)
{
  static struct made_fve made;
  unsigned types[16], n = 0;
  struct make_fve how = {.method = hex (args[1]), .types = types};

  for (char **t = args + 2; *t && n < 15; t++)
    types[n++] = hex (*t);
  types[n] = 0xffff;
  make_fve (&how, &made);
  if (ftruncate (v->fd, v->at + atoll (args[0])) == -1 ||
      pwrite (v->fd, made.header, sizeof made.header, v->at) == -1)
    return fail ("write", NULL);
  memcpy (v->block, made.block, sizeof made.block);
  for (unsigned i = 0; i < FVE_BLOCKS; i++)
    v->header.blocks[i] = (uint64_t)MADE_BLOCK * (i + 1);
  return write_blocks (v) ? 0 : fail ("write", NULL);
}

static int
show (struct volume *v)
{
  struct err *err = NULL;
  CLEANUP_JSON json_t *json = NULL;
  CLEANUP_FREE char *text = NULL;

  if (fve_parse (&v->header, v->block, sizeof v->block, &v->fve, &err) == -1)
    return fail ("show", err);
  json = fve_to_json (&v->fve);
  text = json_text_pretty (json);
  puts (text);
  return 0;
}

static bool
unlock (const struct fve *fve, const char *text, struct secret **volume_key,
        struct err **err)
{
  CLEANUP_SECRET struct secret *key = NULL;

  if (strcmp (text, "clear") == 0)
    return fve_unlock_clear (fve, volume_key, err) == 1;
  key = text[0] == '@' ? secret_read_file (text + 1, 4096, err)
                       : secret_new (text, strlen (text));
  for (size_t i = 0; key && i < fve->n_protectors; i++)
    if (fve_unlock (fve, &fve->protectors[i],
                    fve_key_kind_of (key->data, key->len), key, volume_key,
                    err) == 1)
      return true;
  return false;
}

static int
table (struct volume *v, char **args)
{
  struct err *err = NULL;
  CLEANUP_SECRET struct secret *volume_key = NULL, *text = NULL;

  if (fve_parse (&v->header, v->block, sizeof v->block, &v->fve, &err) == 0 &&
      unlock (&v->fve, args[1], &volume_key, &err))
    text = fve_mapping (&v->fve, args[2], (uint64_t)atoll (args[0]), volume_key,
                        &err);
  if (text == NULL)
    return fail ("table", err);
  fputs (text->data, stdout);
  return 0;
}

static unsigned
le16_at (const unsigned char *p)
{
  return p[0] | (unsigned)p[1] << 8;
}

static void
put16 (unsigned char *p, unsigned value)
{
  p[0] = (unsigned char)value;
  p[1] = (unsigned char)(value >> 8);
}

/* At the end of each protector, which grows by it. */
static int
new_entry (struct volume *v)
{
  static const unsigned char entry[16] = {16, 0, 0, 0, 0x2a, 0, 1, 0};
  unsigned char *metadata = v->block + 64, *p = metadata + 48;
  size_t end = 64 + le16_at (metadata);

  while (p < v->block + end && le16_at (p)) {
    unsigned size = le16_at (p);

    if (le16_at (p + 2) == 2) {
      memmove (p + size + sizeof entry, p + size,
               (size_t)(v->block + end - p) - size);
      memcpy (p + size, entry, sizeof entry);
      size += sizeof entry;
      put16 (p, size);
      end += sizeof entry;
    }
    p += size;
  }
  put16 (metadata, (unsigned)(end - 64));
  return write_blocks (v) ? 0 : fail ("write", NULL);
}

static int
damage (const struct volume *v, int n)
{
  static const char zeros[4096];

  if (n < 1 || n > FVE_BLOCKS ||
      pwrite (v->fd, zeros, sizeof zeros,
              v->at + (off_t)v->header.blocks[n - 1]) != sizeof zeros)
    return fail ("damage", NULL);
  return 0;
}

static int
run (struct volume *v, int argc, char **argv)
{
  const char *verb = argv[1];
  struct err *err = NULL;

  if (strcmp (verb, "make") == 0 && argc >= 7)
    return make (v, argv + 4);
  if (!read_volume (v, &err))
    return fail (argv[2], err);
  if (strcmp (verb, "show") == 0)
    return show (v);
  if (strcmp (verb, "table") == 0 && argc == 7)
    return table (v, argv + 4);
  if (strcmp (verb, "new-entry") == 0)
    return new_entry (v);
  if (strcmp (verb, "damage") == 0 && argc == 5)
    return damage (v, atoi (argv[4]));
  if (strcmp (verb, "state") == 0 && argc == 6) {
    put16 (v->block + 12, hex (argv[4]));
    put16 (v->block + 14, hex (argv[5]));
  } else if (strcmp (verb, "version") == 0 && argc == 5)
    put16 (v->block + 10, hex (argv[4]));
  else
    return fail (verb, NULL);
  return write_blocks (v) ? 0 : fail ("write", NULL);
}

int
main (int argc, char **argv)
{
  static struct volume v;
  int r;

  if (argc < 4) {
    fprintf (stderr, "Usage: bitlocker-tool VERB FILE AT ...\n");
    return 2;
  }
  v.fd = open (argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  v.at = atoll (argv[3]);
  if (v.fd == -1)
    return fail (argv[2], NULL);
  r = run (&v, argc, argv);
  fve_release (&v.fve);
  return close (v.fd) == -1 || r ? 1 : 0;
}

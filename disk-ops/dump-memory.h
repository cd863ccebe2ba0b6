/* The memory that a large crash dump of Windows holds (MEMORY.DMP: complete,
 * kernel, active, automatic), as far as it takes to name a driver: which page
 * is where in the file, the page tables of the processor that stopped, and the
 * list of loaded modules.
 *
 * Of a file of many gigabytes a few hundred kilobytes are read, piece by piece,
 * through `read`.  All of it is a guest's: pages that are nowhere, tables that
 * lead in circles and lists without an end only mean that there is no name.
 *
 * Sources: kdmp-parser (structs.rs, parse.rs: the header, runs, bitmaps and
 * ranges of pages, PsLoadedModuleList, LDR_DATA_TABLE_ENTRY); Intel, "Software
 * Developer's Manual", volume 3, 4.5 (four levels of page tables).  Five levels
 * and processors other than x86-64 are not known here. */

#ifndef BOOTMEND_DUMP_MEMORY_H
#define BOOTMEND_DUMP_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* DUMP_HEADER64; what is behind it depends on the kind of dump. */
#define DUMP_HEADER_BYTES 8192

/* No read is longer, and together they are not more than this. */
#define DUMP_READ_BYTES  ((size_t)1 << 20)
#define DUMP_TOTAL_BYTES ((size_t)48 << 20)
/* ... and as many. */
#define DUMP_READS 600

struct dump_source {
  /* Up to `len` bytes of the file, fewer at its end; -1: it can't be read. */
  ssize_t (*read) (void *ctx, uint64_t offset, void *bytes, size_t len);
  void *ctx;
};

/* The name ("x.sys", printable, to be freed) of the module that an address of
 * the kernel lies in; NULL: it is in none, or that can't be told. */
char *dump_module_at (const unsigned char *header,
                      const struct dump_source *source, uint64_t address);

/* A file's name of UTF-16, up to its first zero; NULL if it is none: empty, too
 * long, with blanks or anything but ASCII. */
char *dump_name (const unsigned char *wide, size_t characters);

#endif

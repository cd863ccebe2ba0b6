#include "mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void __attribute__ ((noreturn)) out_of_memory (void)
{
  static const char text[] = "bootmend: out of memory\n";
  ssize_t ignored = write (STDERR_FILENO, text, sizeof text - 1);

  (void)ignored;
  abort ();
}

void *
xmalloc (size_t size)
{
  void *ptr = malloc (size ? size : 1);

  if (ptr == NULL)
    out_of_memory ();
  return ptr;
}

void *
xcalloc (size_t count, size_t size)
{
  void *ptr = calloc (count ? count : 1, size ? size : 1);

  if (ptr == NULL)
    out_of_memory ();
  return ptr;
}

void *
xrealloc (void *ptr, size_t count, size_t size)
{
  size_t bytes;
  void *grown;

  if (__builtin_mul_overflow (count, size, &bytes))
    out_of_memory ();
  grown = realloc (ptr, bytes ? bytes : 1);
  if (grown == NULL)
    out_of_memory ();
  return grown;
}

void *
xmemdup (const void *ptr, size_t size)
{
  void *copy = xmalloc (size);

  if (size)
    memcpy (copy, ptr, size);
  return copy;
}

char *
xstrdup (const char *s)
{
  return xmemdup (s, strlen (s) + 1);
}

char *
xstrndup (const char *s, size_t n)
{
  size_t len = strnlen (s, n);
  char *copy = xmalloc (len + 1);

  memcpy (copy, s, len);
  copy[len] = '\0';
  return copy;
}

char *
xvasprintf (const char *fmt, va_list args)
{
  char *s;

  if (vasprintf (&s, fmt, args) < 0)
    out_of_memory ();
  return s;
}

char *
xasprintf (const char *fmt, ...)
{
  va_list args;
  char *s;

  va_start (args, fmt);
  s = xvasprintf (fmt, args);
  va_end (args);
  return s;
}

void
strv_free (char **strv)
{
  if (strv == NULL)
    return;
  for (size_t i = 0; strv[i]; i++)
    free (strv[i]);
  free (strv);
}

size_t
strv_length (char *const *strv)
{
  size_t n = 0;

  while (strv && strv[n])
    n++;
  return n;
}

void
cleanup_free (void *ptr_to_ptr)
{
  free (*(void **)ptr_to_ptr);
}

void
cleanup_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

void
cleanup_fclose (void *ptr_to_file)
{
  FILE *fp = *(FILE **)ptr_to_file;

  if (fp)
    fclose (fp);
}

void
cleanup_strv (void *ptr_to_strv)
{
  strv_free (*(char ***)ptr_to_strv);
}

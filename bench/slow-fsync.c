/*
 * Preloaded, it makes the disk as slow as an ordinary cloud volume: each fsync and fdatasync takes so many microseconds
 * longer. It declares what it calls by itself, so that it compiles where the C library's headers are not installed.
 */
extern void *dlsym(void *handle, const char *symbol);
extern int usleep(unsigned int microseconds);

#define NEXT ((void *)-1L)

#ifndef DELAY_US
#define DELAY_US 3000
#endif

static int delayed(const char *name, int file) {
  int (*original)(int) = (int (*)(int))dlsym(NEXT, name);
  usleep(DELAY_US);
  return original(file);
}

int fsync(int file) { return delayed("fsync", file); }
int fdatasync(int file) { return delayed("fdatasync", file); }

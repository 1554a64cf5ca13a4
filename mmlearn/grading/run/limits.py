"""What a run may take: time, memory, processes, output. Here and nowhere else."""

STARTUP_TIMEOUT = 60.0  # seconds
CELL_TIMEOUT = 60.0
# The whole notebook may take five of its slowest cells: a legitimate lab needs less than one.
CELLS_IN_ALL = 5
MAX_PRINTED = 1_000_000  # characters that one cell may print
MAX_SENT = 20_000_000  # characters of all that one cell may show, figures included

DATA = 2 * 2**30  # bytes of private memory, of one process
MEMORY = 3 * 2**30  # bytes of memory that all processes of a run may hold
PROCESSES = 128  # and threads
FILE_SIZE = 100_000_000
OPEN_FILES = 512
OPEN_IN_ALL = 8192  # files, pipes and sockets that all processes of a run may hold open
ENTRIES = 50_000  # files and folders that they may make in the scratch folders
SCRATCH = 256 * 2**20  # bytes in each of /tmp, /dev/shm and the home

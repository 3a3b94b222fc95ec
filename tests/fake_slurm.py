"""Slurm on this machine: jobs are processes, and the queue is a folder."""
import os
import sys
from pathlib import Path

SCRIPT = '''#!{python} -S
import os, re, signal, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

queue, tool, words = Path({queue!r}), Path(sys.argv[0]).name, sys.argv[1:]

def work(number, index, script):
    job = number if index is None else f'{{number}}_{{index}}'
    names = dict(SLURM_JOB_ID=number, SLURM_NTASKS='1')
    if index is not None:
        names.update(SLURM_ARRAY_JOB_ID=number, SLURM_ARRAY_TASK_ID=str(index))
    again = True
    while again:
        subprocess.run(['bash', script], env=dict(os.environ, **names))
        again = Path(queue, f'requeue_{{job}}').exists()
        Path(queue, f'requeue_{{job}}').unlink(missing_ok=True)
    Path(queue, job).unlink()

if tool == 'sbatch':
    if Path(queue.parent, 'refuse').exists():
        sys.exit('sbatch: error: invalid partition specified: none')
    text = Path(words[0]).read_text()
    number = str(100 + len(list(queue.parent.glob('submitted_*'))))
    Path(queue.parent, f'submitted_{{number}}').write_text(text)
    array = re.search(r'--array=0-(\\d+)%(\\d+)', text)
    indices = range(int(array[1]) + 1) if array else [None]
    for i in indices:
        Path(queue, number if i is None else f'{{number}}_{{i}}').touch()
    print('Submitted batch job', number, flush=True)
    if os.fork():
        os._exit(0)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 2)
    with ThreadPoolExecutor(int(array[2]) if array else 1) as pool:
        list(pool.map(lambda i: work(number, i, words[0]), indices))
elif tool == 'srun':
    place = words.index('--output') + 1
    output = words[place]
    for sign, name in (('%A', 'ARRAY_JOB_ID'), ('%a', 'ARRAY_TASK_ID'),
                       ('%j', 'JOB_ID')):
        output = output.replace(sign, os.environ.get(f'SLURM_{{name}}', ''))
    log = os.open(output.replace('%t', '0'),
                  os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    command = words[place + 1:]
    while command[0].startswith('-'):
        name, value = command.pop(0)[2:].split('=')
        os.environ['SLURM_' + name.replace('-', '_').upper()] = value
    os.execvp(command[0], command)
elif tool == 'squeue':
    print(*(path.name for path in queue.iterdir()), sep='\\n')
elif tool == 'scontrol':
    Path(queue, f'requeue_{{words[1]}}').touch()
'''


def install_slurm(folder: Path, monkeypatch) -> Path:
    """Writes Slurm's commands and puts them on ``PATH``.

    The file ``refuse`` in the returned folder makes ``sbatch`` fail.

    Returns:
        Path: The folder, with each submitted script as ``submitted_<id>``.
    """
    commands, queue = folder / 'bin', folder / 'queue'
    commands.mkdir()
    queue.mkdir()
    for name in ('sbatch', 'srun', 'squeue', 'scontrol'):
        path = commands / name
        path.write_text(SCRIPT.format(python=sys.executable,
                                      queue=str(queue)))
        path.chmod(0o755)
    monkeypatch.setenv('PATH', f'{commands}:{os.environ["PATH"]}')
    return folder

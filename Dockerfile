# The image in which `mmlearn grade --sandbox container` runs a kernel:
#   docker build -t mmlearn-course .        (or podman build)
FROM python:3.11-slim
WORKDIR /course
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY mmlearn mmlearn
RUN pip install --no-cache-dir ".[grade]" -c constraints.txt

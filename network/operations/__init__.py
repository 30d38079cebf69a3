"""What is done with the network of a folder, natively or in containers: deploy, let in, renew, copy, replace."""
